// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowGeneration
internal import FlowWire

/// What happens to a session.
enum SessionEvent {
  /// It waits for a place, 1 being next.
  case position(Int)
  /// It has a place.
  case admitted
  /// Its model can be used.
  case modelReady(ServedModelDescription)
  /// Its encoder is open and what it starts from, if anything, decoded or checked.
  case prepared(RGBImage?)
  /// The client allows that many messages more; `id` names the request.
  case credit(Int, id: String?)
  /// The client wants other actions.
  case control(ControlRequest, id: String?)
  /// The client wants to be able to come back to what the stream is now.
  case snapshot(id: String?)
  /// A snapshot has been taken and holds so many bytes; `id` names the request for it.
  case snapshotTaken(String, bytes: Int, id: String?)
  /// The client wants to come back to a snapshot.
  case rewind(RewindRequest, id: String?)
  /// A connection wants to go on with it; that it may has been checked.
  case resumed(ResumeRequest, id: String?)
  /// The client wants it gone.
  case cancel(id: String?)
  /// The client wants no more frames.
  case close(id: String?)
  /// A frame, or a batch of points, is generated.
  case generated(StreamUnit, milliseconds: Double)
  /// The encoder has taken a frame and made these chunks.
  case encoded([StreamChunk])
  /// The encoder has made its last chunks.
  case finished([StreamChunk])
  /// No frame will come any more; those that came are good.
  case generatorFailed(WireError)
  /// The model cannot be loaded, the image not be read, or the encoder failed.
  case failed(WireError)
  /// The daemon is about to stop; at the given time it will have to end.
  case drain(until: Duration)
  /// The client cannot be reached.
  case unreachable
  /// Some time has passed.
  case tick
}

/// What is to be done for a session.
enum SessionAction {
  /// Open the encoder and decode the image, or check the points to start at.
  case prepare(SessionPlan)
  /// Begin a stream of the model.
  case begin(StreamBeginning)
  /// Generate this frame or batch of points, the next of the stream.
  case generate(frame: Int, action: Int)
  /// Keep the state of the stream after all frames that were asked for, under this name.
  case snapshot(String, id: String?)
  /// Go on from a snapshot.
  case rewind(String)
  /// Encode a frame, or make the digest of points.
  case encode(StreamUnit, FrameFacts)
  /// Make the encoder's last chunks.
  case finish
  /// Send a message; `id` names the request that it answers.
  case send(Reply, id: String?, body: [UInt8]?)
  /// Nobody holds the session any more.
  case releaseHolder
  /// Forget the session; it has ended with these words, if it ever began.
  case release(StreamEnd)
}

/// What a generator makes at a time.
enum StreamUnit: Sendable {
  /// A frame.
  case image(RGBImage)
  /// Points.
  case points(PointBatch)
}

/// How a stream of either kind begins.
enum StreamBeginning: Sendable {
  /// Frames.
  case video(StreamOptions)
  /// Points.
  case points(PointStreamOptions)
  /// Frames that follow a snapshot, with other noise if there is a seed.
  case snapshot(String, seed: UInt64?, steps: Int)
}

/// What is told with a bare frame or with points.
struct FrameFacts: Equatable {
  /// The index of the frame, or of the batch of points.
  let frame: Int
  /// The index of its action, and which control decided it.
  let choice: ActionSchedule.Choice
  /// How long generating took.
  var milliseconds = 0.0
}

/// A run of bytes ready to be sent.
struct StreamChunk {
  /// The bytes.
  let bytes: [UInt8]
  /// The index of the first frame that they make visible, or of the first point.
  let firstFrame: Int
  /// How many frames they make visible, or points they are.
  let frames: Int
  /// Whether a player may begin here.
  let isKey: Bool
  /// The digest of the stream up to and with these bytes.
  let digest: SHA256
  /// About the frame that made the encoder give them out.
  let facts: FrameFacts?
  /// The extents of points.
  var shape: [Int]?
}
