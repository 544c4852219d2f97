// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// Convolution of pictures or videos with weights, plus a bias where there is one: inputs x, w and perhaps b.
///
/// Convolution and its two gradients are bilinear and each other's derivatives: the three close under differentiation.
struct Convolve: Primitive {
  let geometry: ConvolutionGeometry

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let bias = inputs.count > 2 ? inputs[2] : nil
    return [Tensor.convolution(inputs[0], inputs[1], bias: bias, geometry)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let moved = tangents[0].map { tangent in
      // The tangent of the bias, if any, rides on one of the products.
      apply(self, to: [tangent, inputs[1]] + tangents.dropFirst(2).compactMap { $0 })[0]
    }
    let bias = moved == nil ? tangents.dropFirst(2).first ?? nil : nil
    let turned = tangents[1].map { apply(self, inputs[0], $0) }
    return [total(total(moved, turned), bias)?.broadcast(to: outputs[0].shape)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let x = inputs[0], w = inputs[1], d = cotangents[0]!
    let products = [
      needed[0] ? apply(ConvolveInputGradient(geometry: geometry, shape: x.shape), d, w) : nil,
      needed[1] ? apply(ConvolveWeightGradient(geometry: geometry, shape: w.shape), x, d) : nil,
    ]
    return products + inputs.dropFirst(2).map { needed[2] ? d.sum(to: $0.shape) : nil }
  }
}

/// The transposed convolution: the gradient of ``Convolve`` with respect to x of shape `shape`.
struct ConvolveInputGradient: Primitive {
  let geometry: ConvolutionGeometry
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
  let geometry: ConvolutionGeometry
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
  apply(Convolve(geometry: geometry.geometry), x, weight, bias)
}

/// Convolution of videos [batch, time, height, width, input] with weights [output, time, kernel, kernel, input], plus
/// a bias; a frame of the result sees no later frame.
public func convolve(_ x: Variable, weight: Variable, bias: Variable, _ geometry: CausalConvolution3D)
  -> Variable
{
  apply(Convolve(geometry: geometry.geometry), x, weight, bias)
}

/// Transposed convolution of pictures [batch, height, width, input] with weights [input, kernel, kernel, output], plus
/// a bias: the transpose of the convolution of this geometry, up by its stride.
///
/// An extent n becomes (n − 1)·stride + kernel − 2·padding + `outputPadding`, with `outputPadding` below the stride.
public func transposedConvolve(
  _ x: Variable, weight: Variable, bias: Variable, _ geometry: Convolution2D, outputPadding: Int = 0
) -> Variable {
  let shape = Shape(
    [x.shape[0]] + [1, 2].map { geometry.transposedOutput(x.shape[$0]) + outputPadding } + [weight.shape[3]])
  return apply(ConvolveInputGradient(geometry: geometry.geometry, shape: shape), x, weight) + bias
}

/// Causal transposed convolution of videos [batch, time, height, width, input] with weights
/// [input, time, kernel, kernel, output], plus a bias: frame t of x reaches frames t·stride … t·stride + kernel − 1.
///
/// What would reach beyond time·stride frames is cut off, so a stream goes on frame by frame. The exact transpose of the
/// causal convolution looks ahead; it is that convolution's derivative.
public func transposedConvolve(
  _ x: Variable, weight: Variable, bias: Variable, _ geometry: CausalConvolution3D, outputPadding: Int = 0
) -> Variable {
  let frames = x.shape[1] * geometry.timeStride
  let all = max(frames, (x.shape[1] - 1) * geometry.timeStride + geometry.timeKernel)
  precondition(
    geometry.timeKernel >= geometry.timeStride,
    "transposedConvolve: a kernel of \(geometry.timeKernel) frames leaves gaps at a step of \(geometry.timeStride)"
  )
  let extents = [2, 3].map { geometry.picture.transposedOutput(x.shape[$0]) + outputPadding }
  let shape = Shape([x.shape[0], all] + extents + [weight.shape[4]])
  let whole = apply(
    ConvolveInputGradient(geometry: geometry.geometry(timePadding: 0), shape: shape), x, weight)
  return whole.slice(axis: 1, 0..<frames) + bias
}

extension Convolution2D {
  /// The extent that the transposed convolution makes of `extent`.
  fileprivate func transposedOutput(_ extent: Int) -> Int { (extent - 1) * stride + kernel - 2 * padding }
}
