// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// Rotation of interleaved pairs by angles given as cosines and sines [tokens, width/2].
struct Rotary: Primitive {
  let cosine: Tensor
  let sine: Tensor
  let inverse: Bool

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.rotary(inputs[0], cosine: cosine, sine: sine, inverse: inverse)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [apply(self, tangents[0]!)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [apply(Rotary(cosine: cosine, sine: sine, inverse: !inverse), cotangents[0]!)]
  }
}

extension Variable {
  /// Rotates interleaved pairs of x [batch, tokens, heads, width] by angles given as cosines and sines
  /// [tokens, width/2].
  public func rotated(cosine: Tensor, sine: Tensor) -> Variable {
    apply(Rotary(cosine: cosine, sine: sine, inverse: false), self)
  }
}
