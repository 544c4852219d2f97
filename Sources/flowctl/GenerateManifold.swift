// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import FlowClient
internal import Glibc

/// `flowctl generate-manifold`.
struct GenerateManifold: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Streams generated points of a manifold into a file or a pipe.",
    discussion: """
      The format follows from the extension of the output: .npy, .csv, .safetensors or .f32; a pipe gets a table.

        flowctl generate-manifold --model earthquake -n 100000 --nfe 1 --seed 7 -o samples.npy --plot map.svg

      Time runs from 0, the data, to 1, the prior: points go from time t down to time s. The same model, seed and \
      number of evaluations give the same points, whatever the batch. A file is called NAME.partial until it is whole, or \
      until you interrupt.
      """)

  @Option(help: "The model's name, as flowctl models lists it.")
  var model: String

  @Option(
    name: [.customShort("n"), .customLong("count")], parsing: .unconditional,
    help: "How many points; default: as many as --start has."
  )
  var count: Int?

  @Option(parsing: .unconditional, help: "Network evaluations a point; default: the model's.")
  var nfe: Int?

  @Option(
    parsing: .unconditional,
    help: "Decides everything random; default: the server chooses one and the report names it.")
  var seed: UInt64?

  @Option(help: "A file of points to start at: .npy, or lines of numbers.")
  var start: String?

  @Option(
    name: .customShort("t"), parsing: .unconditional,
    help: "The time that points start at, 0…1; below 1 it wants --start.")
  var startTime = 1.0

  @Option(name: .customShort("s"), parsing: .unconditional, help: "The time that they are taken to, 0…t.")
  var endTime = 0.0

  @Flag(help: "The points at every time of the walk, start and end included.")
  var trajectory = false

  @Option(parsing: .unconditional, help: "Points in a message; default: the server chooses.")
  var batch: Int?

  @Option(help: "npy, csv, safetensors or float32; default: by the output's extension.")
  var format: PointFormat?

  @Option(name: .shortAndLong, help: "A file, or - for standard output.")
  var output: String

  @Option(help: "An SVG file: a map of the first points.")
  var plot: String?

  @Option(help: "Where the server keeps the stream too: a path in its folder for recordings.")
  var record: String?

  @Flag(help: "Let others watch the stream where the server's --observers says.")
  var observe = false

  @Flag(help: "Report as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress.")
  var quiet = false

  @OptionGroup var server: ServerOptions

  func validate() throws {
    guard let plot else { return }
    guard plot.hasSuffix(".svg") else {
      throw ValidationError("--plot draws SVG, and \(plot) is no name of one; name a file .svg")
    }
    if plot == output { throw ValidationError("--plot and --output name one file; give each its own") }
    let folder = plot.contains("/") ? String(plot[...plot.lastIndex(of: "/")!]) : "."
    guard access(folder, W_OK) == 0 else {
      throw ValidationError("--plot: the folder \(folder) cannot be written to; name another")
    }
  }

  func run() throws {
    let target = try PointTarget(path: output, format: format)
    let points = try start.map { path throws(ClientError) in
      try PointFile(readFile(path, limit: 1 << 26), path: path)
    }
    let request = try PointsRequest(
      model: model, count: count, evaluations: nfe, seed: seed, batch: batch, startTime: startTime,
      endTime: endTime,
      wantsTrajectory: trajectory, start: points, record: record, isObserved: observe)
    var client = try server.client()
    let isPipe = target.place == .standardOutput
    // A report as JSON on standard error has it for itself.
    let display = ProgressDisplay(isQuiet: quiet || (json && isPipe))
    let summary = try client.generate(request, into: target, plot: plot) { display.show($0) }
    display.end()
    let text = json ? summary.json : summary.text
    if isPipe { printError(text) } else { print(text) }
    if summary.isInterrupted { throw ClientError(.interrupted, "interrupted") }
  }
}

extension PointFormat: ExpressibleByArgument {}
