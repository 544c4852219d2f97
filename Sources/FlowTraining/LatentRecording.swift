// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowNN
public import FlowTensor
internal import FoundationEssentials

/// A recording whose pictures have been encoded once: normalised latents in bfloat16, mapped from a file.
public struct LatentRecording: Sendable {
  /// The recording that was encoded.
  public let recording: Recording
  /// The extents of one latent, [height, width, channels].
  public let latentShape: Shape
  private let file: SafetensorsFile
  private let latents: SafetensorsFile.Entry

  /// Maps the latents of `recording` at `path`, encoding them first if the file is not there.
  init(_ recording: Recording, codec: LatentCodec, path: String, progress: Progress) throws {
    if !FileManager.default.fileExists(atPath: path) {
      try Self.encode(recording, codec: codec, path: path, progress: progress)
    }
    let c = codec.model.configuration
    self.recording = recording
    latentShape = [c.latentHeight, c.latentWidth, c.latentChannels]
    file = try SafetensorsFile(path: path)
    latents = try file.entry("latents", type: .bfloat16, shape: [recording.count, latentShape.count])
  }

  private static func encode(
    _ recording: Recording, codec: LatentCodec, path: String, progress: Progress
  ) throws {
    let batch = 256
    var parts: [UInt16] = []
    for start in stride(from: 0, to: recording.count, by: batch) {
      let pictures = recording.pictures(Array(start..<min(recording.count, start + batch)))
      parts += codec.encode(pictures).bfloat16
      if start / batch % 50 == 0 { progress.show("encoding \(start)/\(recording.count)") }
    }
    var writer = SafetensorsWriter()
    let shape = [recording.count, parts.count / max(recording.count, 1)]
    writer.add("latents", type: .bfloat16, shape: shape) { borrow in parts.withUnsafeBytes(borrow) }
    try writer.write(to: path)
    progress.note("encoded \(recording.count) pictures to \(path)")
  }

  /// Latents by index, [count, height, width, channels]; index −1 gives zeros.
  public func latents(_ indices: [Int]) -> Tensor {
    let size = latentShape.count
    return file.withBytes(of: latents) { bytes in
      let all = bytes.bindMemory(to: UInt16.self)
      let rows = indices.map { index in
        index < 0
          ? Tensor.zeros([1, size])
          : Tensor(bfloat16: UnsafeBufferPointer(rebasing: all[index * size..<(index + 1) * size]), shape: [1, size])
      }
      return Tensor.concatenate(rows, axis: 0).reshaped(Shape([indices.count] + latentShape.extents))
    }
  }
}
