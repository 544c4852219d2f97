// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// What happens to rows of tokens between the linear layers of a transformer, on the calling thread.
package enum TokenRows {
  /// y = (x − mean)/√(var + ε)·(1 + scale) + shift over `channels` of rows `stride` apart.
  package static func modulatedNorm(
    _ rows: Int, channels: Int, stride: Int, epsilon: Float, _ x: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    flow_norm_rows(rows, channels, stride, epsilon, x, scale, shift, y)
  }

  /// y = rotated(x/√(mean x² + ε)·weight), cosine and sine [rows, headWidth/2].
  package static func normedAndRotated(
    _ rows: Int, channels: Int, headWidth: Int, epsilon: Float, _ x: UnsafePointer<Float>, stride: Int,
    weight: UnsafePointer<Float>, cosine: UnsafePointer<Float>, sine: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    flow_head_rows(rows, channels, headWidth, epsilon, x, stride, weight, cosine, sine, y, yStride)
  }

  /// y = silu(x/√(mean x² + ε)·weight) over `channels` of rows `stride` apart.
  package static func normedThroughSiLU(
    _ rows: Int, channels: Int, stride: Int, epsilon: Float, _ x: UnsafePointer<Float>,
    weight: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    flow_norm_silu_rows(rows, channels, stride, epsilon, x, weight, y)
  }

  /// Rows of side·side pixels of 3 numbers in −1…1 as bytes into `side` lines of pixels.
  package static func pixels(
    _ rows: Int, side: Int, _ x: UnsafePointer<Float>, stride: Int, into pixels: UnsafeMutablePointer<UInt8>
  ) {
    flow_pixel_rows(rows, side, x, stride, pixels)
  }
}

/// A latent frame [height, width, channels] that is walked in 2×2 patches.
package struct LatentPatches: Sendable {
  private let kernel: flow_patches

  /// Patches of a frame of these extents, the first two even.
  package init(height: Int, width: Int, channels: Int) {
    kernel = flow_patches(height: height, width: width, channels: channels)
  }

  /// Rows of tokens from `token` on: the patch of `noisy` beside that of `previous`.
  package func gather(
    token: Int, rows: Int, noisy: UnsafePointer<Float>, previous: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    var patches = kernel
    flow_patch_rows(&patches, token, rows, noisy, previous, y, stride)
  }

  /// Puts predicted changes back: z ← keep·z + take·(previous + change).
  package func scatter(
    token: Int, rows: Int, change: UnsafePointer<Float>, stride: Int, previous: UnsafePointer<Float>,
    keep: Float, take: Float, into z: UnsafeMutablePointer<Float>
  ) {
    var patches = kernel
    flow_unpatch_rows(&patches, token, rows, change, stride, previous, keep, take, z)
  }
}
