// SPDX-License-Identifier: Apache-2.0

package import FlowWire

/// What the client knows of one stream: messages in, what to do out. Knows no sockets, files or clocks.
package struct VideoSession {
  /// What a message asks of the client.
  package enum Step: Sendable, Equatable {
    /// Nothing, but the server is alive.
    case wait
    /// The stream has begun.
    case begin(Opened)
    /// Write the message's body, then give credit for another message.
    case write
    /// The stream is over; nothing follows.
    case finish(StreamEnd)
  }

  private let request: String
  package private(set) var opened: Opened?
  /// Frames that what was written shows.
  package private(set) var frames = 0
  /// The server's last complaint; `end` follows it if the stream is lost.
  private var failure: WireError?
  private var nextSequence = 0
  private var isCancelled = false

  /// A stream that was asked for under the name `request`.
  package init(request: String) { self.request = request }

  /// From here on an end that says "cancelled" is what was wanted.
  package mutating func cancel() { isCancelled = true }

  /// Understands one message.
  ///
  /// - Throws: ``ClientError`` of kind `refused`, `broken` or `misbehaved`; the stream is then lost.
  package mutating func receive(_ message: ReplyMessage, bodyCount: Int) throws(ClientError) -> Step {
    switch message.reply {
    case .opened(let opened) where message.id == request:
      self.opened = opened
      return .begin(opened)
    case .error(let failure): return try complain(failure, id: message.id)
    case .frame(let header) where header.session == opened?.session:
      return try take(header.sequence, frames: 1, bodyCount)
    case .media(let header) where header.session == opened?.session:
      return try take(header.sequence, frames: header.frames, bodyCount)
    case .end(let end) where end.session == opened?.session: return try finish(end)
    case .end(let end) where opened == nil && message.id == request:
      throw lostBeforeItBegan(end.reason.rawValue)
    default:
      // Progress, and what is left of sessions before this one.
      return .wait
    }
  }

  private mutating func take(
    _ sequence: Int, frames: Int, _ bodyCount: Int
  ) throws(ClientError) -> Step {
    guard sequence == nextSequence else {
      throw ClientError(
        .broken, "message \(nextSequence) of the stream is missing; \(sequence) came in its place")
    }
    guard bodyCount == 1 else {
      throw ClientError(.misbehaved, "message \(sequence) of the stream has no bytes")
    }
    nextSequence += 1
    self.frames += frames
    return .write
  }

  private mutating func complain(_ failure: Failure, id: String?) throws(ClientError) -> Step {
    // A request that could not be read is refused without its name.
    let isOurs = opened == nil ? (id ?? request) == request : failure.session == opened?.session
    guard isOurs else { return .wait }
    guard opened != nil else { throw lostBeforeItBegan(describe(failure.error)) }
    self.failure = failure.error
    return .wait
  }

  private func lostBeforeItBegan(_ why: String) -> ClientError {
    isCancelled
      ? ClientError(.interrupted, "interrupted before the stream began") : ClientError(.refused, why)
  }

  private func finish(_ end: StreamEnd) throws(ClientError) -> Step {
    switch end.reason {
    case .done: return .finish(end)
    case .cancelled where isCancelled: return .finish(end)
    default:
      let why = failure.map(describe) ?? end.reason.rawValue
      throw ClientError(.broken, "the server ended the stream after \(end.frames) frames: \(why)")
    }
  }
}

/// `code: message`, and that waiting may help where it may.
func describe(_ error: WireError) -> String {
  "\(error.code.rawValue): \(error.message)\(error.retryable ? " (try again later)" : "")"
}
