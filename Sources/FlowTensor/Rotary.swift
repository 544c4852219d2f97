// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// Rotates interleaved pairs of x [batch, tokens, heads, width] by angles given as cosines and sines
  /// [tokens, width/2]; `inverse` rotates back.
  public static func rotary(_ x: Tensor, cosine: Tensor, sine: Tensor, inverse: Bool = false) -> Tensor {
    precondition(
      x.shape.rank == 4 && x.shape[3] % 2 == 0 && cosine.shape == [x.shape[1], x.shape[3] / 2]
        && sine.shape == cosine.shape,
      "rotary: angles \(cosine.shape) do not fit x \(x.shape)")
    let (batch, tokens, heads, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    return Tensor(x.shape) { result in
      Team.run(batch) { b in
        let first = b * tokens * heads * width
        flow_rotary(
          1, tokens, heads, width, inverse ? -1 : 1, x.pointer + first, cosine.pointer, sine.pointer,
          result + first)
      }
    }
  }
}
