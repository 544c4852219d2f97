// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What streams of all kinds have in common as a client sees them: messages without holes, complaints, an end.
struct StreamWatch {
  /// The name of the request that asked for the stream.
  let request: String
  /// What the stream is made of.
  let unit: String
  /// The server's name for the stream, once it has begun.
  var session: String?
  /// What lets another connection go on with the stream.
  private var token: String?
  /// Whether another connection has asked for the stream and was not answered yet.
  private var isComingBack = false
  /// Whether an end that says "cancelled" is what was wanted.
  var isCancelled = false
  /// The server's last complaint; `end` follows it if the stream is lost.
  private(set) var failure: WireError?
  private(set) var nextSequence = 0

  init(request: String, unit: String) {
    self.request = request
    self.unit = unit
  }

  /// Checks that a message of the stream is the next one and has its bytes.
  ///
  /// - Parameter dropped: how many messages before it the server says that it has dropped.
  mutating func take(_ sequence: Int, dropped: Int = 0, _ bodyCount: Int) throws(ClientError) {
    guard sequence == nextSequence + dropped else {
      throw ClientError(
        .broken, "message \(nextSequence + dropped) of the stream is missing; \(sequence) came in its place")
    }
    guard bodyCount == 1 else {
      throw ClientError(.misbehaved, "message \(sequence) of the stream has no bytes")
    }
    nextSequence = sequence + 1
  }

  /// The stream has begun, or goes on.
  mutating func begin(_ session: String, _ tenancy: Tenancy) throws(ClientError) {
    self.session = session
    token = tenancy.token
    isComingBack = false
    guard tenancy.nextSequence == nextSequence else {
      throw ClientError(
        .misbehaved, "the stream goes on at message \(tenancy.nextSequence), not at \(nextSequence)")
    }
  }

  /// What to ask another connection for, once this one seems dead; nil if the stream has not begun.
  mutating func comeBack() -> ResumeRequest? {
    guard let session, let token else { return nil }
    isComingBack = true
    return try? ResumeRequest(
      session: session, token: token, firstSequence: nextSequence, takesOver: true)
  }

  /// Understands a message that carries nothing; returns the last word on the stream if it is that.
  mutating func receive(_ message: ReplyMessage) throws(ClientError) -> StreamEnd? {
    switch message.reply {
    case .error(let failure): try complain(failure, id: message.id)
    case .end(let end) where session != nil && end.session == session:
      try check(end)
      return end
    case .end(let end) where session == nil && message.id == request:
      throw lostBeforeItBegan(end.reason.rawValue)
    default:
      // Progress, and what is left of sessions before this one.
      break
    }
    return nil
  }

  private mutating func complain(_ failure: Failure, id: String?) throws(ClientError) {
    // A request that could not be read is refused without its name.
    let isOurs = session == nil ? (id ?? request) == request : failure.session == session
    guard isOurs else { return }
    guard session != nil else { throw lostBeforeItBegan(describe(failure.error)) }
    if isComingBack, id == request {
      throw ClientError(.broken, "the stream cannot go on: \(describe(failure.error))")
    }
    self.failure = failure.error
  }

  private func lostBeforeItBegan(_ why: String) -> ClientError {
    isCancelled
      ? ClientError(.interrupted, "interrupted before the stream began") : ClientError(.refused, why)
  }

  private func check(_ end: StreamEnd) throws(ClientError) {
    switch end.reason {
    case .done: return
    case .cancelled where isCancelled: return
    default:
      let why = failure.map(describe) ?? end.reason.rawValue
      throw ClientError(
        .broken, "the server ended the stream after \(end.points ?? end.frames) \(unit): \(why)")
    }
  }
}
