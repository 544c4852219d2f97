// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
public import FlowTensor

/// A recording of play: pictures, the actions that led into them, and where episodes begin and end.
///
/// The file is mapped, not read; docs/data-format.md describes it.
public struct Recording: Sendable {
  /// Rows of a picture.
  public let height: Int
  /// Pixels in a row.
  public let width: Int
  /// The action that led into each picture.
  public let actions: [Int32]
  /// The pictures of each episode.
  public let episodes: [Range<Int>]
  /// The names of the actions.
  public let actionNames: [String]
  /// Pictures a second of the recorded world.
  public let framesPerSecond: Double

  private let file: SafetensorsFile
  private let frames: SafetensorsFile.Entry

  /// Pictures in the recording.
  public var count: Int { actions.count }

  /// Maps a recording. Throws ``TrainingError`` or `CheckpointError`.
  public init(path: String) throws {
    file = try SafetensorsFile(path: path)
    frames = try file.entry("frames")
    guard frames.type == .uint8, frames.shape.count == 4, frames.shape[3] == 3 else {
      throw TrainingError(
        .badRecording, "\(path): frames must be U8 [N, height, width, 3], not \(frames.shape)")
    }
    (height, width) = (frames.shape[1], frames.shape[2])
    let count = frames.shape[0]
    actions = file.array(of: try file.entry("actions", type: .uint8, shape: [count]), as: UInt8.self).map(
      Int32.init)
    let ids = file.array(of: try file.entry("episode_ids", type: .int32, shape: [count]), as: Int32.self)
    episodes = Recording.runs(of: ids)
    actionNames = (file.metadata["actions"] ?? "").split(separator: " ").map(String.init)
    guard let most = actions.max(), Int(most) < actionNames.count else {
      throw TrainingError(.badRecording, "\(path): the metadata must name every action; record it anew")
    }
    guard let rate = Recording.rate(file.metadata["frames_per_second"] ?? "") else {
      throw TrainingError(.badRecording, "\(path): the metadata must give frames_per_second; record it anew")
    }
    framesPerSecond = rate
  }

  /// The value of a fraction such as `35/3`, or nil unless it is positive and finite.
  static func rate(_ text: String) -> Double? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
    let value = parts.count == 2 ? parts[0] / parts[1] : parts.count == 1 ? parts[0] : .nan
    return value > 0 && value.isFinite ? value : nil
  }

  /// The ranges over which an id stays the same.
  static func runs(of ids: [Int32]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = 0
    for index in ids.indices where index + 1 == ids.count || ids[index + 1] != ids[index] {
      runs.append(start..<index + 1)
      start = index + 1
    }
    return runs
  }

  /// Pictures by index, [count, height, width, 3] in −1…1.
  public func pictures(_ indices: [Int]) -> Tensor {
    let size = height * width * 3
    return file.withBytes(of: frames) { bytes in
      let all = bytes.bindMemory(to: UInt8.self)
      return Tensor.concatenate(
        indices.map { index in
          Tensor(
            bytes: UnsafeBufferPointer(rebasing: all[index * size..<(index + 1) * size]), scale: 1 / 127.5,
            shift: -1,
            shape: [1, height, width, 3])
        }, axis: 0)
    }
  }
}
