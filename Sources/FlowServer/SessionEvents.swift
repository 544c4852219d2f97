// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowGeneration
internal import FlowWire

/// What happens to a session.
enum SessionEvent {
  /// Its model can be used.
  case modelReady(VideoModelDescription)
  /// Its encoder is open and its initial image, if any, decoded.
  case prepared(RGBImage?)
  /// The client allows that many messages more; `id` names the request.
  case credit(Int, id: String?)
  /// The client wants other actions.
  case control(ControlRequest, id: String?)
  /// The client wants it gone.
  case cancel(id: String?)
  /// The client wants no more frames.
  case close(id: String?)
  /// A frame is generated.
  case generated(RGBImage, milliseconds: Double)
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
  /// Open the encoder and decode the image.
  case prepare(StreamPlan)
  /// Begin a stream of the model.
  case begin(StreamOptions)
  /// Generate this frame, the next of the stream.
  case generate(frame: Int, action: Int)
  /// Encode a frame.
  case encode(RGBImage, FrameFacts)
  /// Make the encoder's last chunks.
  case finish
  /// Send a message; `id` names the request that it answers.
  case send(Reply, id: String?, body: [UInt8]?)
  /// Forget the session; it has ended with these words, if it ever began.
  case release(StreamEnd)
}

/// What is told with a bare frame.
struct FrameFacts: Equatable {
  /// The index of the frame.
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
  /// The index of the first frame that they make visible.
  let firstFrame: Int
  /// How many frames they make visible.
  let frames: Int
  /// Whether a player may begin here.
  let isKey: Bool
  /// The digest of the stream up to and with these bytes.
  let digest: SHA256
  /// About the frame that made the encoder give them out.
  let facts: FrameFacts?
}
