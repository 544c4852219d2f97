// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowWire

/// One video on its way into one output: the session, the digest, and what was counted.
struct StreamRun: RunningStream {
  let id: String
  var isInterrupted = false
  private(set) var isCancelled = false
  private(set) var hasLostReader = false

  private let sink: any OutputSink
  private let total: Int
  private let clock = ContinuousClock()
  private var session: VideoSession
  private var digest = SHA256()
  private var bytes = 0
  private var begin: ContinuousClock.Instant
  private var last: ContinuousClock.Instant

  /// Opens the output.
  init(id: String, place: OutputTarget.Place, frames: Int) throws(ClientError) {
    self.id = id
    total = frames
    session = VideoSession(request: id)
    begin = clock.now
    last = begin
    do throws(OutputFailure) {
      sink = try openSink(place)
    } catch {
      throw error.error ?? ClientError(.output, "nobody reads the output")
    }
  }

  var sessionName: String? { session.opened?.session }

  var complaint: WireError? { session.complaint }

  var progress: StreamProgress {
    let seconds = begin.duration(to: last).inSeconds
    return StreamProgress(frames: session.frames, total: total, seconds: seconds, bytes: bytes)
  }

  mutating func start() {
    begin = clock.now
    last = begin
  }

  mutating func cancel() {
    isCancelled = true
    session.cancel()
  }

  mutating func comeBack() -> ResumeRequest? { session.comeBack() }

  mutating func receive(
    _ message: ReplyMessage, _ bodies: [[UInt8]]
  ) throws(ClientError) -> RunStep {
    switch try session.receive(message, bodyCount: bodies.count) {
    case .wait: return .wait
    case .begin: return .begin
    case .write:
      try write(bodies[0])
      return .write
    case .finish(let end): return .finish(end)
    }
  }

  private mutating func write(_ body: [UInt8]) throws(ClientError) {
    last = clock.now
    digest.update(body)
    bytes += body.count
    guard !hasLostReader else { return }
    do throws(OutputFailure) {
      try sink.writeAll(body)
    } catch {
      guard let error = error.error else {
        hasLostReader = true
        return
      }
      throw error
    }
  }

  /// Compares both ends and gives the output its name.
  func summary(_ end: StreamEnd, of wish: OpenRequest, format: OutputFormat) throws(ClientError)
    -> StreamSummary
  {
    guard let opened = session.opened else {
      throw ClientError(.misbehaved, "the stream ended before it was opened")
    }
    let ours = digest.hexadecimal()
    guard (end.sha256, end.bytes, end.frames) == (ours, bytes, session.frames) else {
      throw ClientError(
        .broken,
        "\(session.frames) frames in \(bytes) bytes with sha256 \(ours) were received, but "
          + "\(end.frames) in \(end.bytes) with \(end.sha256) were sent")
    }
    do throws(OutputFailure) {
      return StreamSummary(
        wish, opened, end, format: format, seconds: begin.duration(to: last).inSeconds,
        path: try sink.finish(), isInterrupted: isInterrupted)
    } catch {
      throw error.error ?? ClientError(.output, "nobody reads the output")
    }
  }

  func abandon(_ error: ClientError) -> ClientError {
    guard let path = sink.abandon() else { return error }
    return ClientError(error.kind, "\(error.message); what came before is kept in \(path)")
  }
}

extension OutputSink {
  /// Writes one chunk.
  func writeAll(_ bytes: [UInt8]) throws(OutputFailure) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(OutputFailure) in try write(buffer) }
    }
    try result.get()
  }
}
