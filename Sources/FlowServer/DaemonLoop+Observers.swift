// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ

/// What who begins to watch a stream late must hear.
struct ObservedStream {
  /// How it was opened.
  let opened: Reply
  /// The first part of a container, without which the others cannot be read.
  var beginning: (reply: Reply, body: [UInt8])?
  /// The index of the message that is published next; what is sent again is not published again.
  var nextSequence = 0
  /// Whether somebody has begun to watch who has not heard how it began, and when that was told last.
  var hasNewcomers = false
  var welcomedAt: Duration?
}

extension DaemonLoop {
  /// Whether a request wants to be watched at a daemon that has no socket for that.
  func checkObservers(_ open: OpenRequest) throws(WireError) {
    guard open.isObserved, observers == nil else { return }
    throw WireError(
      .forbidden,
      "nobody can watch streams of this server; leave observe out, or ask its operator to start flowd with --observers",
      field: "observe")
  }

  /// Publishes a message of a session that may be watched.
  mutating func observe(_ session: String, _ reply: Reply, _ body: [UInt8]?) {
    guard let observers, seats[session]?.session.request.isObserved == true else { return }
    switch reply {
    case .opened(let opened): guard begin(session, reply, opened.tenancy) else { return }
    case .openedPoints(let opened): guard begin(session, reply, opened.tenancy) else { return }
    case .frame, .points, .media:
      guard let sequence = reply.sequence, let stream = observed[session], sequence >= stream.nextSequence
      else { return }
      observed[session]?.nextSequence = sequence + 1
      if case .media(let header) = reply, header.kind == .initial, let body {
        observed[session]?.beginning = (reply, body)
      }
    default: return
    }
    observers.publish(watched(session, reply), body)
  }

  /// Publishes the last word on a session that could be watched.
  mutating func observeEnd(_ end: StreamEnd) {
    guard let observers, observed.removeValue(forKey: end.session) != nil else { return }
    observers.publish(watched(end.session, .end(end)), nil)
  }

  /// Tells those who have begun to watch how the streams began that they watch.
  mutating func welcomeObservers() throws(ZeroMQError) {
    guard let observers else { return }
    // A bounded number, so that who subscribes without end cannot keep streams waiting.
    for _ in 0..<64 {
      guard let message = try observers.next() else { break }
      guard case .subscription(let topic) = message else { continue }
      for session in Array(observed.keys) where isAbout(topic, session) {
        observed[session]?.hasNewcomers = true
      }
    }
    let time = now
    for (session, stream) in observed where stream.hasNewcomers {
      // Everybody hears it: those who watch already must not lose frames to it.
      if let last = stream.welcomedAt, time - last < .milliseconds(100) { continue }
      observed[session]?.hasNewcomers = false
      observed[session]?.welcomedAt = time
      observers.publish(watched(session, stream.opened), nil)
      if let beginning = stream.beginning {
        observers.publish(watched(session, beginning.reply), beginning.body)
      }
    }
  }

  /// Takes note of a stream that begins; one whose client has come back goes on for those who watch.
  private mutating func begin(_ session: String, _ reply: Reply, _ tenancy: Tenancy) -> Bool {
    guard !tenancy.isResumed else { return false }
    observed[session] = ObservedStream(opened: reply)
    return true
  }

  private func watched(_ session: String, _ reply: Reply) -> WatchedMessage {
    WatchedMessage(session: session, reply, milliseconds: now.milliseconds)
  }

  /// Whether topics of a session begin with the subscribed one, or are what it begins with.
  private func isAbout(_ topic: [UInt8], _ session: String) -> Bool {
    let name = Array("\(session) ".utf8)
    return name.starts(with: topic) || topic.starts(with: name)
  }
}
