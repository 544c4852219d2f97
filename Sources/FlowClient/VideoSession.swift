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

  private var watch: StreamWatch
  package private(set) var opened: Opened?
  /// Frames that what was written shows.
  package private(set) var frames = 0

  /// What the server complained of last, if it did.
  package var complaint: WireError? { watch.failure }

  /// A stream that was asked for under the name `request`.
  package init(request: String) { watch = StreamWatch(request: request, unit: "frames") }

  /// What to ask another connection for.
  package mutating func comeBack() -> ResumeRequest? { watch.comeBack() }

  /// From here on an end that says "cancelled" is what was wanted.
  package mutating func cancel() { watch.isCancelled = true }

  /// Understands one message.
  ///
  /// - Throws: ``ClientError`` of kind `refused`, `broken` or `misbehaved`; the stream is then lost.
  package mutating func receive(_ message: ReplyMessage, bodyCount: Int) throws(ClientError) -> Step {
    switch message.reply {
    case .opened(let opened) where message.id == watch.request:
      try watch.begin(opened.session, opened.tenancy)
      guard !opened.tenancy.isResumed else { return .wait }
      self.opened = opened
      return .begin(opened)
    case .openedPoints(let opened) where message.id == watch.request:
      throw ClientError(
        .usage,
        "\(opened.model) makes points of \(opened.geometry); ask for them with flowctl generate-manifold")
    case .frame(let header) where header.session == opened?.session:
      return try take(header.sequence, header.dropped, frames: 1, bodyCount)
    case .media(let header) where header.session == opened?.session:
      return try take(header.sequence, header.dropped, frames: header.frames, bodyCount)
    default:
      if let end = try watch.receive(message) { return .finish(end) }
      return .wait
    }
  }

  private mutating func take(
    _ sequence: Int, _ dropped: Int, frames: Int, _ bodyCount: Int
  ) throws(ClientError) -> Step {
    try watch.take(sequence, dropped: dropped, bodyCount)
    self.frames += frames
    return .write
  }
}

/// `code: message`, and that waiting may help where it may.
func describe(_ error: WireError) -> String {
  "\(error.code.rawValue): \(error.message)\(error.retryable ? " (try again later)" : "")"
}
