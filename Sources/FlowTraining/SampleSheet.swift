// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
public import FlowTensor
internal import FlowVideo

/// Rows of pictures to look at.
public struct SampleSheet: SamplePicture {
  /// `png`.
  public static var fileExtension: String { "png" }
  /// Each row [count, height, width, 3] in −1…1.
  public let rows: [Tensor]

  /// A sheet of these rows, which must have one shape.
  public init(rows: [Tensor]) {
    precondition(rows.allSatisfy { $0.shape == rows[0].shape }, "SampleSheet: rows of different shapes")
    self.rows = rows
  }

  /// Writes the sheet as a PNG file.
  public func write(to path: String) throws { try AtomicFile.write(png(), to: path) }

  /// The sheet as a PNG file's bytes.
  func png() throws -> [UInt8] {
    let (count, height, width) = (rows[0].shape[0], rows[0].shape[1], rows[0].shape[2])
    let all = Tensor.concatenate(rows.map { $0.reshaped([1, count, height, width * 3]) }, axis: 0)
    let pixels = all.permuted([0, 2, 1, 3]).bytes(scale: 127.5, shift: 127.5)
    return try StillImage(width: width * count, height: height * rows.count, rgb: pixels).png()
  }
}
