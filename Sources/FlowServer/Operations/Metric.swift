// SPDX-License-Identifier: Apache-2.0

/// One thing that is counted or measured, as Prometheus knows it.
///
/// A name is kept for one minor version after it has been replaced.
struct Metric: Sendable {
  /// What kind of number it is.
  enum Kind: Sendable, Equatable {
    /// It only grows.
    case counter
    /// It goes up and down.
    case gauge
    /// How many values were at most each of these bounds, their number and their sum.
    case histogram([Double])
  }

  /// The name, its unit at the end.
  let name: String
  /// What kind of number it is.
  let kind: Kind
  /// Whether it has labels; without, it is there from the start.
  let isLabelled: Bool
  /// What it says.
  let help: String

  init(_ name: String, _ kind: Kind, labelled: Bool = false, _ help: String) {
    self.name = name
    self.kind = kind
    isLabelled = labelled
    self.help = help
  }
}

extension Metric.Kind {
  /// Times from a millisecond to a minute.
  static let seconds = Self.histogram([
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ])
  /// Small numbers of frames.
  static let frames = Self.histogram([0, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64])
}

extension Metric {
  static let buildInfo = Metric(
    "flowd_build_info", .gauge, labelled: true, "1, with the version as its label.")
  static let sessions = Metric(
    "flowd_sessions", .gauge, labelled: true, "Open sessions by what they wait for.")
  static let sessionOpens = Metric(
    "flowd_session_opens_total", .counter, labelled: true, "Requests to open a session, by what came of them."
  )
  static let frames = Metric("flowd_frames_total", .counter, labelled: true, "Frames generated.")
  static let points = Metric("flowd_points_total", .counter, labelled: true, "Points generated.")
  static let firstFrame = Metric(
    "flowd_ttff_seconds", .seconds, "Time from a request to open to its first frame, media or points.")
  static let frameInterval = Metric(
    "flowd_frame_interval_seconds", .seconds, "Time between two messages of a stream.")
  static let generation = Metric(
    "flowd_chunk_generate_seconds", .seconds, labelled: true,
    "Time of a frame or batch of points by phase; encode includes waiting for the encoder.")
  static let deadlineMisses = Metric(
    "flowd_deadline_miss_total", .counter,
    "Frames sent later than a viewer who began at the first one would show them, time without credit set aside."
  )
  static let creditStarved = Metric(
    "flowd_credit_starved_seconds_total", .counter, "Time that sessions were without credit.")
  static let queueTime = Metric(
    "flowd_queue_seconds", .seconds, "Time that requests to open waited for a place among the sessions.")
  static let dropped = Metric(
    "flowd_dropped_frames_total", .counter, labelled: true, "Messages made and not sent, by policy.")
  static let cacheBytes = Metric("flowd_kv_bytes", .gauge, "Bytes of the streams and snapshots of sessions.")
  static let residentBytes = Metric("flowd_rss_bytes", .gauge, "Bytes of the process in memory.")
  static let errors = Metric(
    "flowd_errors_total", .counter, labelled: true, "Errors told to clients, by code.")
  static let cancelLatency = Metric(
    "flowd_cancel_latency_seconds", .seconds,
    "Time from a cancel to the compute thread being rid of the stream.")
  static let controlLatency = Metric(
    "flowd_ctl_latency_frames", .frames,
    "Frames between the last one sent and the first that a control decides.")

  /// Every metric in the order in which they are told.
  static let all = [
    buildInfo, sessions, sessionOpens, frames, points, firstFrame, frameInterval, generation, deadlineMisses,
    creditStarved, queueTime, dropped, cacheBytes, residentBytes, errors, cancelLatency, controlLatency,
  ]
}
