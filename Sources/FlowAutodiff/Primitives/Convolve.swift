// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// Convolution of pictures [batch, height, width, input] with weights [output, kernel, kernel, input].
///
/// Convolution and its two gradients are bilinear and each other's derivatives: the three close under differentiation.
struct Convolve: Primitive {
  let geometry: Convolution2D

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.convolution(inputs[0], inputs[1], geometry)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let a = inputs[0], b = inputs[1]
    return [total(tangents[0].map { apply(self, $0, b) }, tangents[1].map { apply(self, a, $0) })]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let x = inputs[0], w = inputs[1], d = cotangents[0]!
    return [
      needed[0] ? apply(ConvolveInputGradient(geometry: geometry, shape: x.shape), d, w) : nil,
      needed[1] ? apply(ConvolveWeightGradient(geometry: geometry, shape: w.shape), x, d) : nil,
    ]
  }
}

/// The transposed convolution: the gradient of ``Convolve`` with respect to pictures of shape `shape`.
struct ConvolveInputGradient: Primitive {
  let geometry: Convolution2D
  let shape: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.convolutionInputGradient(inputs[0], inputs[1], geometry, shape: shape)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let a = inputs[0], b = inputs[1]
    return [total(tangents[0].map { apply(self, $0, b) }, tangents[1].map { apply(self, a, $0) })]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = inputs[0], w = inputs[1], dx = cotangents[0]!
    return [
      needed[0] ? apply(Convolve(geometry: geometry), dx, w) : nil,
      needed[1] ? apply(ConvolveWeightGradient(geometry: geometry, shape: w.shape), dx, d) : nil,
    ]
  }
}

/// The gradient of ``Convolve`` with respect to weights of shape `shape`.
struct ConvolveWeightGradient: Primitive {
  let geometry: Convolution2D
  let shape: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.convolutionWeightGradient(inputs[0], inputs[1], geometry, shape: shape)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let a = inputs[0], b = inputs[1]
    return [total(tangents[0].map { apply(self, $0, b) }, tangents[1].map { apply(self, a, $0) })]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let x = inputs[0], d = inputs[1], dw = cotangents[0]!
    return [
      needed[0] ? apply(ConvolveInputGradient(geometry: geometry, shape: x.shape), d, dw) : nil,
      needed[1] ? apply(Convolve(geometry: geometry), x, dw) : nil,
    ]
  }
}

/// Convolution of pictures [batch, height, width, input] with weights [output, kernel, kernel, input], plus a bias.
public func convolve(_ x: Variable, weight: Variable, bias: Variable, _ geometry: Convolution2D) -> Variable {
  apply(Convolve(geometry: geometry), x, weight) + bias
}
