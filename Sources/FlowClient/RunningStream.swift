// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// A stream on its way into an output, whatever it is made of.
protocol RunningStream {
  /// The name of the request that opened it.
  var id: String { get }
  /// Whether the user has asked to stop.
  var isInterrupted: Bool { get set }
  /// Whether the server has been asked to stop.
  var isCancelled: Bool { get }
  /// Whether the reader of a pipe has left.
  var hasLostReader: Bool { get }
  /// The server's name for the stream, once it has one.
  var sessionName: String? { get }
  /// What the server complained of last, if it did.
  var complaint: WireError? { get }
  /// How far the stream is.
  var progress: StreamProgress { get }

  /// The clock of the stream starts.
  mutating func start()
  /// From here on the stream may end early.
  mutating func cancel()
  /// What to ask another connection for when this one seems dead; nil if the stream has not begun.
  mutating func comeBack() -> ResumeRequest?
  /// Understands a message and writes its bytes.
  mutating func receive(_ message: ReplyMessage, _ bodies: [[UInt8]]) throws(ClientError) -> RunStep
  /// Ends an output that will not be whole; returns the error with where the rest is.
  func abandon(_ error: ClientError) -> ClientError
}

/// What a message asks of a client.
enum RunStep {
  /// Nothing, but the server is alive.
  case wait
  /// The stream has begun.
  case begin
  /// Its bytes were written: give credit for another message.
  case write
  /// The stream is over; nothing follows.
  case finish(StreamEnd)
}

extension Client {
  /// Opens a stream and receives until it is over.
  mutating func run(
    _ run: inout some RunningStream, _ wish: OpenRequest, _ observe: (StreamProgress) -> Void
  ) throws(ClientError) -> StreamEnd {
    do throws(ClientError) {
      try connection.send(.open(wish), id: run.id)
      return try pump(&run, observe)
    } catch {
      // The server need not go on for nobody; if it cannot be told, it will notice.
      try? cancel(&run)
      throw error
    }
  }

  private mutating func pump(
    _ run: inout some RunningStream, _ observe: (StreamProgress) -> Void
  ) throws(ClientError) -> StreamEnd {
    let clock = ContinuousClock()
    var lastSign = clock.now, attempts = 0
    while true {
      try obeyInterruptions(&run)
      guard let (message, bodies) = try connection.receive(milliseconds: Self.pause) else {
        guard lastSign.duration(to: clock.now) < timeout else {
          attempts += 1
          guard attempts <= Self.reconnections, try reconnect(&run) else { throw silence() }
          lastSign = clock.now
          continue
        }
        continue
      }
      (lastSign, attempts) = (clock.now, 0)
      switch try run.receive(message, bodies) {
      case .wait: break
      case .begin: run.start()
      case .write: try answer(&run)
      case .finish(let end): return end
      }
      observe(run.progress)
    }
  }

  /// Asks for the stream on a new connection; the old one may have broken without a word.
  private mutating func reconnect(_ run: inout some RunningStream) throws(ClientError) -> Bool {
    guard !run.isCancelled, let wish = run.comeBack() else { return false }
    connection = try Connection(endpoint, identity)
    connection.confirm()
    try connection.send(.resume(wish), id: run.id)
    return true
  }

  /// Gives credit for a message that was written, or stops a stream that nobody reads.
  private func answer(_ run: inout some RunningStream) throws(ClientError) {
    if run.hasLostReader, !run.isCancelled { try cancel(&run) }
    guard let session = run.sessionName, !run.isCancelled else { return }
    try connection.send(.credit(oneMessage(session)))
  }

  private func obeyInterruptions(_ run: inout some RunningStream) throws(ClientError) {
    let count = interruptionCount
    guard count > 0 else { return }
    if count > 1 { throw ClientError(.interrupted, "interrupted without waiting for the server") }
    run.isInterrupted = true
    if !run.isCancelled { try cancel(&run) }
  }

  private func cancel(_ run: inout some RunningStream) throws(ClientError) {
    run.cancel()
    let name = run.sessionName.map(CancelRequest.session) ?? .request(run.id)
    try connection.send(.cancel(name))
  }

  private func silence() -> ClientError {
    ClientError(.broken, "no sign of the server at \(endpoint) for \(timeout.formatted)")
  }
}

/// Credit for one message.
private func oneMessage(_ session: String) throws(ClientError) -> CreditRequest {
  do throws(WireError) {
    return try CreditRequest(session: session, count: 1)
  } catch {
    throw ClientError(.misbehaved, "the server's name for the session cannot be used: \(error.message)")
  }
}
