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
  /// Whether an end that says "cancelled" is what was wanted.
  var isCancelled = false
  /// The server's last complaint; `end` follows it if the stream is lost.
  private(set) var failure: WireError?
  private var nextSequence = 0

  init(request: String, unit: String) {
    self.request = request
    self.unit = unit
  }

  /// Checks that a message of the stream is the next one and has its bytes.
  mutating func take(_ sequence: Int, _ bodyCount: Int) throws(ClientError) {
    guard sequence == nextSequence else {
      throw ClientError(
        .broken, "message \(nextSequence) of the stream is missing; \(sequence) came in its place")
    }
    guard bodyCount == 1 else {
      throw ClientError(.misbehaved, "message \(sequence) of the stream has no bytes")
    }
    nextSequence += 1
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
