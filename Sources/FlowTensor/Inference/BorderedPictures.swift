// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// Pictures of rows of activations, a row a place, each within a border of zeros: what a ``PackedConvolution`` reads, in
/// the form that its precision wants.
///
/// Not Sendable: tasks write lines of their own.
package final class BorderedPictures {
  /// Lines of a picture.
  package let height: Int
  /// Places in a line.
  package let width: Int
  private let isInt8: Bool
  /// Elements of a row.
  private let stride: Int
  private let rows: Workspace
  private let scales: Workspace?

  /// Room for `count` pictures of up to `channels` numbers a place.
  package init(count: Int, height: Int, width: Int, channels: Int, precision: InferencePrecision) {
    self.height = height
    self.width = width
    isInt8 = precision == .int8
    let places = count * (height + 2) * (width + 2)
    // Rows begin on cache lines.
    stride = padded(channels, to: isInt8 ? 64 : 16)
    rows = isInt8 ? Workspace(byteCount: places * stride) : Workspace(count: places * stride)
    scales = isInt8 ? Workspace(count: places) : nil
  }

  /// Sets line `line` of a picture: `width` rows of `channels` floats, `xStride` apart.
  package func write(picture: Int, line: Int, _ x: UnsafePointer<Float>, channels: Int, stride xStride: Int) {
    let first = start(picture) + (line + 1) * (width + 2) + 1
    if let scales {
      flow_quantise_rows(
        width, channels, padded(channels, to: 4), x, xStride, rows.bytes + first * stride, stride,
        scales.floats + first)
    } else {
      walk(width) { place in
        (rows.floats + (first + place) * stride).update(from: x + place * xStride, count: channels)
      }
    }
  }

  /// A picture as the kernel sees it.
  func kernel(_ picture: Int) -> flow_bordered_picture {
    let first = start(picture)
    let memory =
      isInt8
      ? UnsafeRawPointer(rows.bytes + first * stride) : UnsafeRawPointer(rows.floats + first * stride)
    return flow_bordered_picture(
      rows: memory, scale: scales.map { UnsafePointer($0.floats + first) }, stride: stride, width: width)
  }

  private func start(_ picture: Int) -> Int { picture * (height + 2) * (width + 2) }
}
