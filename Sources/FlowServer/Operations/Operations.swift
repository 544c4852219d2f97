// SPDX-License-Identifier: Apache-2.0

/// What the thread of the sockets keeps in order to tell how the daemon is.
struct Operations {
  /// Where snapshots are published; nil if nobody reads them.
  let board: StatusBoard?
  /// Who started the daemon; nil if nobody wants to know.
  let supervisor: Supervisor?
  /// Whether the compute thread comes back.
  let pulse: ComputePulse

  var metrics = MetricSet()
  /// What is measured of the sessions that are open.
  var measures: [String: SessionMeasure] = [:]
  /// When sessions were cancelled whose streams the compute thread still has.
  var cancelled: [String: Duration] = [:]

  /// The models that were to be loaded before anybody asked.
  var preloaded: [String] = []
  /// Whether they have all been tried, and one of them, if there are any, can be used.
  var hasBeenReady = false
  var wasStuck = false

  // What has been told.
  var hasToldReady = false
  var toldStatus = ""
  var fedAt: Duration?
  var publishedAt: Duration?
  var publishedReadiness: Readiness?
  /// Whether something happened too soon after the last snapshot for another one.
  var owesSnapshot = false

  init(board: StatusBoard?, supervisor: Supervisor?, pulse: ComputePulse) {
    self.board = board
    self.supervisor = supervisor
    self.pulse = pulse
  }
}

/// What is measured of a session, from its opening until nobody can come back for it.
struct SessionMeasure {
  /// Messages that were counted as dropped.
  var dropped = 0
  let openedAt: Duration
  /// The first message that has not been counted: a client that comes back gets some once more.
  var nextSequence = 0
  /// When the first message of the stream was sent.
  var firstSentAt: Duration?
  var lastSentAt: Duration?
  /// When a viewer who began at the first frame would have shown frame 0.
  var playStart: Duration?
  /// When frames were given to the encoder that it has not given back, oldest first.
  var inEncoding: [Duration] = []
  /// Since when credit has been missing, as far as it has not been counted yet.
  var starvedSince: Duration?
  /// Since when a viewer's clock has stood still, as far as it has not been set.
  var stillSince: Duration?
}

extension Duration {
  /// Seconds, with their fraction.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
