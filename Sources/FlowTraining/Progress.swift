// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Where progress is shown: a line that renews itself on a terminal, a plain line now and then elsewhere.
public struct Progress: Sendable {
  private let isTerminal: Bool
  private let output: @Sendable (String) -> Void

  /// Progress on standard error.
  public static let standardError = Progress(isTerminal: isatty(2) == 1) { line in
    _ = Array(line.utf8).withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }

  /// No progress.
  public static let silent = Progress(isTerminal: false) { _ in }

  /// Progress handed to `write`.
  public init(isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
    self.isTerminal = isTerminal
    output = write
  }

  /// Seconds between two showings.
  var interval: Double { isTerminal ? 0.5 : 20 }

  /// Replaces the line on a terminal; writes a line elsewhere.
  func show(_ line: String) { output(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n") }

  /// Writes a line that stays.
  public func note(_ line: String) { output(isTerminal ? "\r\u{1B}[K\(line)\n" : "\(line)\n") }
}

/// Measures the rate of a run and shows it.
struct ProgressMeter {
  private let name: String
  private let total: Int
  private let progress: Progress
  private let first: Int
  private var step: Int
  private var examples = 0
  private var lossSum = 0.0
  private var lossCount = 0
  /// The most bytes of tensors that a step has held at once.
  private(set) var peakBytes = 0
  private let clock = ContinuousClock()
  private let begin: ContinuousClock.Instant
  private var shown: ContinuousClock.Instant

  init(_ name: String, total: Int, from step: Int, _ progress: Progress) {
    self.name = name
    self.total = total
    self.progress = progress
    first = step
    self.step = step
    begin = clock.now
    shown = begin
  }

  /// The mean loss since the last report.
  var meanLoss: Double { lossSum / Double(max(lossCount, 1)) }

  /// Steps a second since the beginning.
  var rate: Double { Double(step - first) / max((clock.now - begin) / .seconds(1), 1e-9) }

  /// Counts a step: its loss, nil if it was skipped, its examples, and the most bytes of tensors that it held.
  mutating func advance(loss: Float?, examples: Int, bytes: Int) {
    step += 1
    peakBytes = max(peakBytes, bytes)
    self.examples += examples
    if let loss {
      lossSum += Double(loss)
      lossCount += 1
    }
    let now = clock.now
    if (now - shown) / .seconds(1) >= progress.interval {
      shown = now
      progress.show(line)
    }
  }

  mutating func report(_ figures: [(name: String, value: Double)]) {
    let text = figures.map { "\($0.name) \(rounded($0.value))" }.joined(separator: ", ")
    progress.note("\(line)\n  validation: \(text)")
    (lossSum, lossCount) = (0, 0)
  }

  private var line: String {
    let seconds = max((clock.now - begin) / .seconds(1), 1e-9)
    let left = Int(Double(total - step) / max(rate, 1e-9))
    return
      "\(name): step \(step)/\(total), loss \(rounded(meanLoss)), \(Int(Double(examples) / seconds)) examples/s, "
      + "\((peakBytes + (1 << 20) - 1) >> 20) MiB, \(left / 60) min \(left % 60) s left"
  }
}

/// Four decimals.
func rounded(_ value: Double) -> String {
  guard value.isFinite else { return "\(value)" }
  return "\((value * 10_000).rounded() / 10_000)"
}
