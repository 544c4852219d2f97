// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// An 8-bit RGB picture, rows from top to bottom, three bytes a pixel, no padding.
public struct RGBImage: Sendable, Equatable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// `height · width · 3` bytes.
  public let pixels: [UInt8]

  /// Makes a picture of `pixels`, whose count must be `height · width · 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      pixels.count == width * height * 3,
      "RGBImage: \(pixels.count) bytes are not \(width)×\(height) RGB pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

/// What a client may know of a video model before it opens a stream.
public struct VideoModelDescription: Sendable, Equatable {
  /// The name of the bundle, which is the name of its folder.
  public let name: String
  /// SHA-256 of the weights file, in lower-case hexadecimal; empty where nobody has recorded or computed it yet.
  public let sha256: String
  /// Pixels in a row of a frame.
  public let width: Int
  /// Rows of a frame.
  public let height: Int
  /// The rate at which the recorded world moved, in frames a second: the default for playback.
  public let framesPerSecond: Double
  /// The names of the actions; a stream is steered by their indices.
  public let actions: [String]
  /// The action that a stream takes when nobody steers it.
  public let defaultAction: Int
  /// Network evaluations a frame unless the client asks otherwise.
  public let defaultSteps: Int
  /// The most network evaluations a frame that a client may ask for.
  public let maximumSteps: Int
  /// Bytes that one stream holds.
  public let bytesPerStream: Int
  /// The licence of the data the model was trained on.
  public let dataLicence: String
  /// Bytes of the weights file; 0 for a model without one.
  public let weightsByteCount: Int
  /// Bytes that the model holds for its weights once it is loaded, whatever the number of its streams; memory is taken in
  /// blocks up to an eighth larger.
  public let residentBytes: Int

  /// Describes a video model.
  public init(
    name: String, sha256: String, width: Int, height: Int, framesPerSecond: Double, actions: [String],
    defaultAction: Int, defaultSteps: Int, maximumSteps: Int, bytesPerStream: Int, dataLicence: String,
    weightsByteCount: Int = 0, residentBytes: Int = 0
  ) {
    self.weightsByteCount = weightsByteCount
    self.residentBytes = residentBytes
    self.name = name
    self.sha256 = sha256
    self.width = width
    self.height = height
    self.framesPerSecond = framesPerSecond
    self.actions = actions
    self.defaultAction = defaultAction
    self.defaultSteps = defaultSteps
    self.maximumSteps = maximumSteps
    self.bytesPerStream = bytesPerStream
    self.dataLicence = dataLicence
  }
}

/// How a stream begins.
public struct StreamOptions: Sendable {
  /// Decides everything random in the stream: same seed and actions, same frames.
  public var seed: UInt64
  /// Network evaluations a frame, 1…`maximumSteps`.
  public var steps: Int
  /// The frame before the first generated one; nil lets the model choose one by the seed.
  public var initialImage: RGBImage?

  /// Options for a stream.
  public init(seed: UInt64, steps: Int, initialImage: RGBImage? = nil) {
    self.seed = seed
    self.steps = steps
    self.initialImage = initialImage
  }
}

/// A loaded generator of video: what the scheduler drives, and all that it knows of a network.
///
/// A model is called from one compute thread; its streams never leave that thread.
public protocol VideoModel: AnyObject {
  /// What the model is; constant for its life.
  var description: VideoModelDescription { get }

  /// Begins a stream. The options have been checked against `description`.
  func makeStream(_ options: StreamOptions) -> any VideoStream

  /// Generates the next frame of each stream, in one batched step where the model can.
  ///
  /// - Parameters:
  ///   - streams: streams of this model, each at most once.
  ///   - actions: one action index a stream, each in `0..<description.actions.count`.
  ///   - cancellation: looked at between the parts of the step, which are a small share of it each.
  /// - Throws: ``AdvanceError`` when a network's output is not finite or somebody has cancelled; no stream has then
  ///   advanced, and the step may be tried again.
  func advance(
    _ streams: [any VideoStream], actions: [Int], unless cancellation: Cancellation
  ) throws(AdvanceError) -> [RGBImage]
}

/// The state of one stream of a ``VideoModel``: its caches, its random numbers, its place in time.
public protocol VideoStream: AnyObject {
  /// Frames generated so far.
  var framesGenerated: Int { get }

  /// Bytes that the stream holds beside the model, and a copy of it as many again.
  var byteCount: Int { get }

  /// A stream that goes on like this one to the bit under the same actions, and on its own: neither touches the other.
  ///
  /// Costs `byteCount` bytes and the time to copy them.
  func copy() -> any VideoStream

  /// Makes everything random from here on that of another seed; its own seed changes nothing.
  func reseed(_ seed: UInt64)
}
