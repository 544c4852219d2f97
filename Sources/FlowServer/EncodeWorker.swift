// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

/// The thread on which images are decoded and streams are encoded, so that neither holds up a network.
final class EncodeWorker: Sendable {
  /// What the thread can be told.
  enum Command: Sendable {
    /// Open an encoder and decode the image that the stream continues, or check the points that it starts at.
    case prepare(session: String, SessionPlan)
    /// Encode a frame, or make the digest of points.
    case encode(session: String, StreamUnit, FrameFacts)
    /// Make the last chunks.
    case finish(session: String)
    /// Close an encoder.
    case forget(session: String)
    /// Return.
    case stop
  }

  private let commands: Mailbox<Command>
  private let thread: OwnThread

  /// Starts the thread; what it has to tell goes to `events`.
  init(commands: Mailbox<Command>, events: Mailbox<WorkerEvent>) {
    self.commands = commands
    thread = OwnThread {
      var bench = EncoderBench(events: events)
      bench.run(commands)
    }
  }

  /// Tells the thread something.
  func post(_ command: Command) { commands.post(command) }

  /// Ends the thread, and waits for it.
  func stop() {
    commands.post(.stop)
    thread.join()
  }
}

/// The encoders of all sessions; lives in the encoder thread.
struct EncoderBench {
  private let events: Mailbox<WorkerEvent>
  private var encoders: [String: StreamEncoder] = [:]

  init(events: Mailbox<WorkerEvent>) { self.events = events }

  mutating func run(_ commands: Mailbox<EncodeWorker.Command>) {
    while true {
      for command in commands.waitAndTake() {
        if case .stop = command { return }
        obey(command)
      }
    }
  }

  private mutating func obey(_ command: EncodeWorker.Command) {
    switch command {
    case .prepare(let session, let plan): prepare(session, plan)
    case .encode(let session, let unit, let facts):
      post(session) { encoder throws(VideoError) in .encoded(try encoder.encode(unit, facts)) }
    case .finish(let session):
      post(session) { encoder throws(VideoError) in .finished(try encoder.finish()) }
    case .forget(let session): encoders[session] = nil
    case .stop: break
    }
  }

  private mutating func prepare(_ session: String, _ plan: SessionPlan) {
    switch plan {
    case .video(let plan): prepare(session, plan)
    case .points(let plan): prepare(session, plan)
    }
  }

  private mutating func prepare(_ session: String, _ plan: StreamPlan) {
    do throws(VideoError) {
      encoders[session] = StreamEncoder(try VideoEncoder(plan.settings))
      let decoded = try plan.image.map { image throws(VideoError) in try decode(image) }
      events.post(.session(session, .prepared(decoded)))
    } catch {
      events.post(.session(session, .failed(wireError(error))))
    }
  }

  private mutating func prepare(_ session: String, _ plan: PointsPlan) {
    if let fault = plan.startFault { return events.post(.session(session, .failed(fault))) }
    encoders[session] = StreamEncoder(nil)
    events.post(.session(session, .prepared(nil)))
  }

  private func post(
    _ session: String, _ work: (StreamEncoder) throws(VideoError) -> SessionEvent
  ) {
    // A session that has been forgotten may still have frames under way.
    guard let encoder = encoders[session] else { return }
    do throws(VideoError) {
      events.post(.session(session, try work(encoder)))
    } catch {
      events.post(.session(session, .failed(wireError(error))))
    }
  }
}

/// An encoder, which points need not, and the digest of what has been made.
private final class StreamEncoder {
  private var encoder: VideoEncoder?
  private var digest = SHA256()

  init(_ encoder: consuming VideoEncoder?) { self.encoder = encoder }

  func encode(_ unit: StreamUnit, _ facts: FrameFacts) throws(VideoError) -> [StreamChunk] {
    switch unit {
    case .image(let image):
      return try (encoder?.encode(image.pixels) ?? []).map { seal($0, facts) }
    case .points(let batch):
      digest.update(batch.bytes)
      return [
        StreamChunk(
          bytes: batch.bytes, firstFrame: batch.first, frames: batch.shape[0], isKey: true, digest: digest,
          facts: facts, shape: batch.shape)
      ]
    }
  }

  func finish() throws(VideoError) -> [StreamChunk] { try (encoder?.finish() ?? []).map { seal($0, nil) } }

  private func seal(_ chunk: VideoChunk, _ facts: FrameFacts?) -> StreamChunk {
    digest.update(chunk.bytes)
    return StreamChunk(
      bytes: chunk.bytes, firstFrame: chunk.firstFrame, frames: chunk.frames, isKey: chunk.isKey,
      digest: digest,
      facts: facts)
  }
}

/// The pixels of an image whose size has been checked against its description.
private func decode(_ image: InitialImage) throws(VideoError) -> RGBImage {
  guard image.encoding == .png else {
    return RGBImage(width: image.width, height: image.height, pixels: image.bytes)
  }
  let picture = try StillImage(png: image.bytes, largestSide: max(image.width, image.height))
  guard picture.width == image.width, picture.height == image.height else {
    throw VideoError(
      code: .badSize, operation: "image",
      message: "the PNG file is \(picture.width)×\(picture.height), its description says "
        + "\(image.width)×\(image.height)")
  }
  return RGBImage(width: picture.width, height: picture.height, pixels: picture.rgb)
}

private func wireError(_ error: VideoError) -> WireError {
  switch error.code {
  case .badImage, .badSize: .badRequest("image", error.description)
  case .badSetting, .libraryFailed: WireError(.encoder, error.description)
  }
}
