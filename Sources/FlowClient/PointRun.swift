// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowWire

/// Points on their way into one output, and some of them into a picture.
struct PointRun: RunningStream {
  let id: String
  var isInterrupted = false
  private(set) var hasLostReader = false
  private(set) var opened: OpenedPoints?
  /// Points kept for a picture: those at the end of the walk, one after the other.
  private(set) var kept: [Float] = []

  private let sink: any OutputSink
  private let format: PointFormat
  private let keeping: Int
  private let clock = ContinuousClock()
  private var encoder: PointEncoder?
  private var watch: StreamWatch
  private var digest = SHA256()
  private var points = 0
  private var bytes = 0
  private var written = 0
  private var generationMilliseconds = 0.0
  private var begin: ContinuousClock.Instant
  private var last: ContinuousClock.Instant

  /// Opens the output; of the points that come, `keeping` are kept for a picture.
  init(id: String, target: PointTarget, keeping: Int) throws(ClientError) {
    self.id = id
    self.keeping = keeping
    format = target.format
    watch = StreamWatch(request: id, unit: "points")
    begin = clock.now
    last = begin
    do throws(OutputFailure) {
      sink = try openSink(target.place)
    } catch {
      throw error.error ?? ClientError(.output, "nobody reads the output")
    }
  }

  var isCancelled: Bool { watch.isCancelled }
  var sessionName: String? { watch.session }

  var complaint: WireError? { watch.failure }

  var progress: StreamProgress {
    let seconds = begin.duration(to: last).inSeconds
    return StreamProgress(
      frames: points, total: opened?.points, seconds: seconds, bytes: bytes, unit: "points")
  }

  mutating func start() {
    begin = clock.now
    last = begin
  }

  mutating func cancel() { watch.isCancelled = true }

  mutating func comeBack() -> ResumeRequest? { watch.comeBack() }

  mutating func receive(_ message: ReplyMessage, _ bodies: [[UInt8]]) throws(ClientError) -> RunStep {
    switch message.reply {
    case .openedPoints(let opened) where message.id == id:
      try watch.begin(opened.session, opened.tenancy)
      guard !opened.tenancy.isResumed else { return .wait }
      self.opened = opened
      let encoder = PointEncoder(format, opened)
      self.encoder = encoder
      try write(encoder.head)
      return .begin
    case .opened(let opened) where message.id == id:
      throw ClientError(.usage, "\(opened.model) makes video; ask for it with flowctl generate-video")
    case .points(let header) where header.session == watch.session:
      try watch.take(header.sequence, bodies.count)
      try take(header, bodies[0])
      return .write
    default:
      if let end = try watch.receive(message) { return .finish(end) }
      return .wait
    }
  }

  private mutating func take(_ header: PointsHeader, _ body: [UInt8]) throws(ClientError) {
    last = clock.now
    guard let opened, body.count == header.byteCount,
      header.shape.dropFirst().reduce(1, *) == opened.times.count * opened.coordinates.count,
      header.shape.last == opened.coordinates.count
    else {
      throw ClientError(
        .misbehaved,
        "message \(header.sequence) has \(body.count) bytes, which its shape \(header.shape) does not say")
    }
    guard header.first == points, opened.points == 0 || header.shape[0] <= opened.points - points else {
      throw ClientError(
        .misbehaved,
        "message \(header.sequence) has points \(header.first) and on, and point \(points) of \(opened.points) is due"
      )
    }
    digest.update(body)
    bytes += body.count
    generationMilliseconds += header.generationMilliseconds
    points += header.shape[0]
    keep(body, times: opened.times.count, width: opened.coordinates.count)
    if let encoded = encoder?.encode(header, body) { try write(encoded) }
  }

  private mutating func keep(_ body: [UInt8], times: Int, width: Int) {
    guard kept.count < keeping * width else { return }
    let numbers = floats(body)
    for point in 0..<numbers.count / (times * width) where kept.count < keeping * width {
      let start = ((point + 1) * times - 1) * width
      kept += numbers[start..<start + width]
    }
  }

  private mutating func write(_ chunk: [UInt8]) throws(ClientError) {
    guard !hasLostReader, !chunk.isEmpty else { return }
    do throws(OutputFailure) {
      try sink.writeAll(chunk)
      written += chunk.count
    } catch {
      guard let error = error.error else {
        hasLostReader = true
        return
      }
      throw error
    }
  }

  /// Compares both ends and gives the output its name.
  func summary(_ end: StreamEnd) throws(ClientError) -> PointSummary {
    guard let opened else { throw ClientError(.misbehaved, "the stream ended before it was opened") }
    let ours = digest.hexadecimal()
    guard (end.sha256, end.bytes, end.points) == (ours, bytes, points) else {
      throw ClientError(
        .broken,
        "\(points) points in \(bytes) bytes with sha256 \(ours) were received, but "
          + "\(end.points ?? 0) in \(end.bytes) with \(end.sha256) were sent")
    }
    do throws(OutputFailure) {
      if let head = encoder?.correctedHead { try sink.replaceHead(head) }
      return PointSummary(
        opened, end, format: format, seconds: begin.duration(to: last).inSeconds,
        generationSeconds: generationMilliseconds / 1000, fileBytes: written, path: try sink.finish(),
        isInterrupted: isInterrupted)
    } catch {
      throw error.error ?? ClientError(.output, "nobody reads the output")
    }
  }

  func abandon(_ error: ClientError) -> ClientError {
    guard let path = sink.abandon() else { return error }
    return ClientError(error.kind, "\(error.message); what came before is kept in \(path)")
  }
}
