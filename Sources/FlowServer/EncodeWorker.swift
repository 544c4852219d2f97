// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

/// The thread on which images are decoded and streams are encoded, so that neither holds up a network.
final class EncodeWorker: Sendable {
  /// What the thread can be told.
  enum Command: Sendable {
    /// Open an encoder, and decode the image that the stream continues.
    case prepare(session: String, VideoSettings, InitialImage?)
    /// Encode a frame.
    case encode(session: String, RGBImage, FrameFacts)
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
    case .prepare(let session, let settings, let image): prepare(session, settings, image)
    case .encode(let session, let image, let facts):
      post(session) { encoder throws(VideoError) in .encoded(try encoder.encode(image.pixels, facts)) }
    case .finish(let session):
      post(session) { encoder throws(VideoError) in .finished(try encoder.finish()) }
    case .forget(let session): encoders[session] = nil
    case .stop: break
    }
  }

  private mutating func prepare(_ session: String, _ settings: VideoSettings, _ image: InitialImage?) {
    do throws(VideoError) {
      encoders[session] = try StreamEncoder(settings)
      let decoded = try image.map { image throws(VideoError) in try decode(image) }
      events.post(.session(session, .prepared(decoded)))
    } catch {
      events.post(.session(session, .failed(wireError(error))))
    }
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

/// An encoder and the digest of what it has made.
private final class StreamEncoder {
  private var encoder: VideoEncoder
  private var digest = SHA256()

  init(_ settings: VideoSettings) throws(VideoError) { encoder = try VideoEncoder(settings) }

  func encode(_ rgb: [UInt8], _ facts: FrameFacts) throws(VideoError) -> [StreamChunk] {
    try encoder.encode(rgb).map { seal($0, facts) }
  }

  func finish() throws(VideoError) -> [StreamChunk] { try encoder.finish().map { seal($0, nil) } }

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
