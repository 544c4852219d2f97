// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// Small pictures with a class each, to learn from and to judge by.
public struct PictureSet: Sendable {
  /// Pictures of one purpose.
  public struct Part: Sendable {
    /// The class of each picture.
    public let labels: [Int32]
    private let bytes: [UInt8]
    private let shape: Shape

    init(bytes: [UInt8], labels: [Int32], shape: Shape) {
      (self.bytes, self.labels, self.shape) = (bytes, labels, shape)
    }

    /// Pictures in it.
    public var count: Int { labels.count }

    /// Some pictures, [count, height, width, channels] in −1…1.
    public func pictures(_ indices: [Int]) -> Tensor {
      let size = shape.count
      var chosen: [UInt8] = []
      chosen.reserveCapacity(indices.count * size)
      for index in indices { chosen += bytes[index * size..<(index + 1) * size] }
      return chosen.withUnsafeBufferPointer {
        Tensor(bytes: $0, scale: 1 / 127.5, shift: -1, shape: Shape([indices.count] + shape.extents))
      }
    }

    /// Pictures in a row.
    public func pictures(_ range: Range<Int>) -> Tensor { pictures(Array(range)) }
  }

  /// What is learnt.
  public let training: Part
  /// What judges.
  public let test: Part
  /// Rows, columns and channels of a picture.
  public let shape: Shape
  /// The number of classes.
  public let classes: Int

  /// Reads the four files of a set such as MNIST in a folder. Throws ``TrainingError``.
  public init(folder: String) throws {
    let (training, test) = (try Self.part("train", in: folder), try Self.part("t10k", in: folder))
    guard training.shape == test.shape else {
      throw TrainingError(
        .badData,
        "\(folder): pictures to learn are \(training.shape), to judge \(test.shape); they must be alike")
    }
    self.training = training.part
    self.test = test.part
    shape = training.shape
    classes = Int(training.part.labels.max() ?? 0) + 1
  }

  private static func part(_ name: String, in folder: String) throws -> (part: Part, shape: Shape) {
    let pictures = try IDXFile(path: "\(folder)/\(name)-images-idx3-ubyte.gz")
    let labels = try IDXFile(path: "\(folder)/\(name)-labels-idx1-ubyte.gz")
    guard pictures.extents.count == 3, labels.extents == [pictures.extents[0]], pictures.extents[0] > 0 else {
      throw TrainingError(
        .badData,
        "\(folder): \(name) has pictures \(pictures.extents) and labels \(labels.extents); fetch it again")
    }
    let shape: Shape = [pictures.extents[1], pictures.extents[2], 1]
    return (Part(bytes: pictures.bytes, labels: labels.bytes.map { Int32($0) }, shape: shape), shape)
  }
}
