// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

extension Client {
  /// Streams a video into its place and compares what was written with what was sent.
  ///
  /// An interruption cancels the stream and waits for the server's word; a second one does not wait.
  ///
  /// - Parameters:
  ///   - observe: called after every message.
  /// - Throws: ``ClientError``; its message says where a partial file is, if there is one.
  public mutating func generate(
    _ request: VideoRequest, into place: OutputTarget.Place,
    observe: (StreamProgress) -> Void = { _ in }
  ) throws(ClientError) -> StreamSummary {
    let frames = try frameCount(request)
    let wish = try request.wireRequest(frames: frames)
    let id = nextRequest()
    var run = try StreamRun(id: id, place: place, frames: frames)
    do throws(ClientError) {
      try connection.send(.open(wish), id: id)
      let end = try pump(&run, observe)
      return try run.summary(end, format: request.format)
    } catch {
      // The server need not go on for nobody; if it cannot be told, it will notice.
      try? cancel(&run)
      throw run.abandon(error)
    }
  }

  /// Frames of a request; seconds need a rate, which only the server may know.
  private mutating func frameCount(_ request: VideoRequest) throws(ClientError) -> Int {
    switch request.length {
    case .frames(let count): return count
    case .seconds(let seconds):
      if let rate = request.framesPerSecond { return frames(seconds, rate) }
      return frames(seconds, try modelRate(request.model))
    }
  }

  /// The rate of a model; waits while the server is loading it.
  private mutating func modelRate(_ name: String) throws(ClientError) -> Double {
    while true {
      let models = try models().models
      switch models.first(where: { $0.name == name })?.state {
      case .ready(let details): return details.framesPerSecond
      case .loading:
        // Nothing is under way that could send anything: this only lets time pass.
        _ = try connection.receive(milliseconds: Self.pause)
      case .absent:
        throw ClientError(
          .usage, "the rate of \(name) is not known before it is loaded; add --fps or --frames")
      case .failed(let reason):
        throw ClientError(
          .refused,
          "the model \(name) failed: \(reason); when it is mended, ask with --frames, which loads it again")
      case nil:
        let known = models.map(\.name).joined(separator: ", ")
        throw ClientError(
          .refused, "there is no model \"\(name)\"; the server has \(known.isEmpty ? "none" : known)")
      }
    }
  }

  /// Receives until the stream is over.
  private func pump(
    _ run: inout StreamRun, _ observe: (StreamProgress) -> Void
  ) throws(ClientError) -> StreamEnd {
    let clock = ContinuousClock()
    var lastSign = clock.now
    while true {
      try obeyInterruptions(&run)
      guard let (message, bodies) = try connection.receive(milliseconds: Self.pause) else {
        guard lastSign.duration(to: clock.now) < timeout else { throw silence() }
        continue
      }
      lastSign = clock.now
      switch try run.receive(message, bodies) {
      case .wait: break
      case .begin: run.start()
      case .write: try answer(&run)
      case .finish(let end): return end
      }
      observe(run.progress)
    }
  }

  /// Gives credit for a message that was written, or stops a stream that nobody reads.
  private func answer(_ run: inout StreamRun) throws(ClientError) {
    if run.hasLostReader, !run.isCancelled { try cancel(&run) }
    guard let session = run.sessionName, !run.isCancelled else { return }
    try connection.send(.credit(oneMessage(session)))
  }

  private func obeyInterruptions(_ run: inout StreamRun) throws(ClientError) {
    let count = interruptionCount
    guard count > 0 else { return }
    if count > 1 { throw ClientError(.interrupted, "interrupted without waiting for the server") }
    run.isInterrupted = true
    if !run.isCancelled { try cancel(&run) }
  }

  private func cancel(_ run: inout StreamRun) throws(ClientError) {
    run.cancel()
    let name = run.sessionName.map(CancelRequest.session) ?? .request(run.id)
    try connection.send(.cancel(name))
  }

  private func silence() -> ClientError {
    ClientError(.broken, "no sign of the server at \(endpoint) for \(timeout.formatted)")
  }
}

/// How many frames play for `seconds`, at least one.
private func frames(_ seconds: Double, _ rate: Double) -> Int {
  max(1, Int((seconds * rate).rounded()))
}

/// Credit for one message.
private func oneMessage(_ session: String) throws(ClientError) -> CreditRequest {
  do throws(WireError) {
    return try CreditRequest(session: session, count: 1)
  } catch {
    throw ClientError(.misbehaved, "the server's name for the session cannot be used: \(error.message)")
  }
}
