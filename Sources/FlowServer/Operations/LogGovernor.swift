// SPDX-License-Identifier: Apache-2.0

public import Logging
internal import Synchronization

/// Decides what of a process's log is written: the least level, and how often a warning may repeat.
///
/// Of equal warnings or errors the first five in ten seconds are written. The next one after that says how many were
/// left out. Who asked, and for how long, makes no difference between two of them.
public final class LogGovernor: Sendable {
  /// How many equal lines are written in a ``window``.
  static let burst = 5
  /// How long lines count together.
  static let window = Duration.seconds(10)
  /// What tells apart lines that are otherwise equal.
  private static let particulars: Set<String> = ["sid", "req", "peer", "dur_ms"]

  private struct Repetition {
    var since: ContinuousClock.Instant
    var count = 0
  }

  private struct State {
    var level: Logger.Level
    var repetitions: [String: Repetition] = [:]
  }

  private let state: Mutex<State>

  /// Lets everything from `level` on pass.
  public init(level: Logger.Level) { state = Mutex(State(level: level)) }

  /// The least level that is written.
  public var level: Logger.Level {
    get { state.withLock { $0.level } }
    set { state.withLock { $0.level = newValue } }
  }

  /// Whether a line is written, and how many equal ones before it were not; nil if it is left out.
  func admit(_ event: LogEvent, now: ContinuousClock.Instant = .now) -> Int? {
    guard event.level >= .warning else { return 0 }
    let details = (event.metadata ?? [:]).filter { !Self.particulars.contains($0.key) }
    let line = "\(event.message) \(details.map { "\($0.key)=\($0.value)" }.sorted())"
    return state.withLock { state in
      // A bound on memory; what is older than the window would be written again anyway.
      if state.repetitions.count > 256 {
        state.repetitions = state.repetitions.filter { now - $0.value.since < Self.window }
      }
      var repetition = state.repetitions[line] ?? Repetition(since: now)
      var leftOut = 0
      if now - repetition.since >= Self.window {
        leftOut = max(0, repetition.count - Self.burst)
        repetition = Repetition(since: now)
      }
      repetition.count += 1
      state.repetitions[line] = repetition
      return repetition.count <= Self.burst ? leftOut : nil
    }
  }
}

/// Writes what a ``LogGovernor`` lets pass.
public struct GovernedLogHandler: LogHandler {
  private var base: any LogHandler
  private let governor: LogGovernor

  /// Writes by `base`.
  public init(_ base: any LogHandler, _ governor: LogGovernor) {
    self.base = base
    self.base.logLevel = .trace
    self.governor = governor
  }

  /// The least level that is written, by every logger with the same governor.
  public var logLevel: Logger.Level {
    get { governor.level }
    set { governor.level = newValue }
  }

  /// What is added to every line.
  public var metadata: Logger.Metadata {
    get { base.metadata }
    set { base.metadata = newValue }
  }

  /// A value of the metadata.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { base[metadataKey: key] }
    set { base[metadataKey: key] = newValue }
  }

  /// Writes a line, or leaves it out.
  public func log(event: LogEvent) {
    guard let leftOut = governor.admit(event) else { return }
    guard leftOut > 0 else { return base.log(event: event) }
    var event = event
    event.metadata = (event.metadata ?? [:]).merging(["left_out": .stringConvertible(leftOut)]) { _, new in
      new
    }
    base.log(event: event)
  }
}
