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
    let wish = try request.wireRequest(frames: frameCount(request))
    return try stream(wish, format: request.format, into: place, observe: observe)
  }

  /// Streams what a wish asks for.
  mutating func stream(
    _ wish: OpenRequest, format: OutputFormat, into place: OutputTarget.Place,
    observe: (StreamProgress) -> Void
  ) throws(ClientError) -> StreamSummary {
    var run = try StreamRun(id: nextRequest(), place: place, frames: wish.total)
    let (end, summary): (StreamEnd, StreamSummary)
    do throws(ClientError) {
      end = try self.run(&run, wish, observe)
      summary = try run.summary(end, of: wish, format: format)
    } catch {
      throw run.abandon(error)
    }
    try checkRecording(wish.record?.path, end, run.complaint, place: summary.path)
    return summary
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
      let models = try models().models, model = models.first { $0.name == name }
      switch model?.details {
      case .video(let details)?: return details.framesPerSecond
      case .manifold(let details)?:
        throw ClientError(
          .usage, "\(name) makes points of \(details.geometry); ask for them with flowctl generate-manifold")
      case nil: break
      }
      switch model?.state {
      case .loading:
        // Nothing is under way that could send anything: this only lets time pass.
        _ = try connection.receive(milliseconds: Self.pause)
      case .absent, .ready:
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
}

/// How many frames play for `seconds`, at least one.
private func frames(_ seconds: Double, _ rate: Double) -> Int {
  max(1, Int((seconds * rate).rounded()))
}
