// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowCheckpoint
internal import FlowTensor
internal import FoundationEssentials
internal import Glibc

/// `flowbench serve`: one JSON line a command, so that the bench can let this process and a peer's take turns.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a case ready, then obeys 'output PATH', 'time COUNT' and 'quit' from standard input.")

  @Argument(help: "The case.")
  var name: String

  @Option(help: "float32, bfloat16 or int8.", transform: precision(named:))
  var precision: InferencePrecision = .float32

  @Option(help: "The file that 'flowbench export' wrote of the case.")
  var input: String

  private struct Ready: Encodable {
    let ready: Bool
    let remarks: [String: Double]
  }
  private struct Times: Encodable {
    var ms: [Double] = []
    /// The loss of each run, of cases that train.
    var losses: [Double] = []
  }
  private struct Done: Encodable {
    let done: Bool
  }

  func run() throws {
    var served = try kind(of: name).init(name, precision: precision, input: SafetensorsFile(path: input))
    try answer(Ready(ready: true, remarks: served.remarks))
    while let line = readLine() {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      switch (words.first, words.dropFirst().first) {
      case ("output", let path?): try answer(write(served.results(), to: path))
      case ("time", let count?): try answer(time(&served, count: Int(count) ?? 1))
      case ("quit", nil): return
      default: throw NoSuchCase(description: "no command '\(line)'; say output PATH, time COUNT or quit")
      }
    }
  }

  private func time(_ served: inout some BenchmarkCase, count: Int) -> Times {
    let clock = ContinuousClock()
    var times = Times()
    for _ in 0..<count {
      times.ms.append(clock.measure { served.run() } / .milliseconds(1))
      if let loss = served.loss { times.losses.append(loss) }
    }
    return times
  }

  private func write(_ outputs: [(name: String, tensor: Tensor)], to path: String) throws -> Done {
    var writer = SafetensorsWriter()
    for output in outputs { writer.add(output.name, output.tensor) }
    try writer.write(to: path)
    return Done(done: true)
  }

  private func answer(_ value: some Encodable) throws {
    let line = try JSONEncoder().encode(value)
    print(String(decoding: line, as: UTF8.self))
    fflush(nil)
  }
}

private func precision(named name: String) throws -> InferencePrecision {
  guard let precision = InferencePrecision(rawValue: name) else {
    throw ValidationError("--precision must be float32, bfloat16 or int8")
  }
  return precision
}
