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
    case .opened, .openedPoints:
      // A client that comes back is told anew; those who watch never noticed.
      guard observed[session] == nil else { return }
      observed[session] = ObservedStream(opened: reply)
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
    // Bounded, so that who subscribes without end cannot keep streams waiting.
    for _ in 0..<64 {
      guard let topic = try observers.nextSubscription() else { return }
      for (session, stream) in observed where isAbout(topic, session) {
        observers.publish(watched(session, stream.opened), nil)
        if let beginning = stream.beginning {
          observers.publish(watched(session, beginning.reply), beginning.body)
        }
      }
    }
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
