// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowNN
public import FlowTensor
internal import FoundationEssentials

/// A recording whose pictures have been encoded once, as normalised latents in bfloat16.
public struct LatentRecording: Sendable {
  private enum Source {
    case memory([UInt16])
    case file(SafetensorsFile, SafetensorsFile.Entry)
  }

  /// The recording that was encoded.
  public let recording: Recording
  /// The extents of one latent, [height, width, channels].
  public let latentShape: Shape
  private let source: Source

  /// Encodes a recording into memory.
  init(encoding recording: Recording, codec: LatentCodec, progress: Progress) {
    self.recording = recording
    latentShape = Shape(Array(codec.model.configuration.latentShape(batch: 1).extents.dropFirst()))
    source = .memory(Self.encode(recording, codec: codec, progress: progress))
  }

  /// Maps the latents of `recording` at `path`, encoding them first if the file is not there or was made by
  /// another codec.
  init(_ recording: Recording, codec: LatentCodec, path: String, progress: Progress) throws {
    self.recording = recording
    latentShape = Shape(Array(codec.model.configuration.latentShape(batch: 1).extents.dropFirst()))
    let shape = [recording.count, latentShape.count]
    let digest = codec.digest
    if try !Self.holdsLatents(path, of: digest) {
      let elements = Self.encode(recording, codec: codec, progress: progress)
      var writer = SafetensorsWriter()
      writer.add("latents", type: .bfloat16, shape: shape) { borrow in elements.withUnsafeBytes(borrow) }
      try writer.write(to: path, metadata: ["codec": digest])
    }
    let file = try SafetensorsFile(path: path)
    source = .file(file, try file.entry("latents", type: .bfloat16, shape: shape))
  }

  private static func holdsLatents(_ path: String, of digest: String) throws -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return false }
    return try SafetensorsFile(path: path).metadata["codec"] == digest
  }

  private static func encode(_ recording: Recording, codec: LatentCodec, progress: Progress) -> [UInt16] {
    let batch = 256
    var elements: [UInt16] = []
    for start in stride(from: 0, to: recording.count, by: batch) {
      let end = min(recording.count, start + batch)
      elements += codec.encode(recording.pictures(Array(start..<end))).bfloat16
      if start / batch % 40 == 39 { progress.show("encoding pictures: \(end)/\(recording.count)") }
    }
    return elements
  }

  /// Latents by index, [count, height, width, channels]; index −1 gives zeros.
  public func latents(_ indices: [Int]) -> Tensor {
    switch source {
    case .memory(let elements): elements.withUnsafeBufferPointer { rows(indices, of: $0) }
    case .file(let file, let entry):
      file.withBytes(of: entry) { rows(indices, of: $0.bindMemory(to: UInt16.self)) }
    }
  }

  private func rows(_ indices: [Int], of all: UnsafeBufferPointer<UInt16>) -> Tensor {
    let size = latentShape.count
    let rows = indices.map { index in
      index < 0
        ? Tensor.zeros([1, size])
        : Tensor(
          bfloat16: UnsafeBufferPointer(rebasing: all[index * size..<(index + 1) * size]), shape: [1, size])
    }
    return Tensor.concatenate(rows, axis: 0).reshaped(Shape([indices.count] + latentShape.extents))
  }
}
