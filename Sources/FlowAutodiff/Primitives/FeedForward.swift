// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// y = f(z)·Dᵀ + b and z = x·Uᵀ + a: inputs x, U, a, D, b. z is what the derivatives need, and not for the caller.
struct FeedForward: Primitive {
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let kept = Tensor.feedForwardKeepingSum(
      inputs[0], FeedForwardWeights(Array(inputs[1...])), activation: activation)
    return [kept.result, kept.sum]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    pushforward(at: inputs, along: tangents, of: composition).tangents
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    if let dy = cotangents[0], cotangents[1] == nil {
      let gradient = FeedForwardGradient(activation: activation)
      return apply(gradient, to: [inputs[0], inputs[1], inputs[3], outputs[1], dy])
    }
    return pullback(at: inputs, needed: needed, of: composition) { _ in cotangents }.cotangents
  }

  private func composition(_ inputs: [Variable]) -> [Variable] {
    let hidden = apply(ActivatedLinear(activation: activation), to: Array(inputs[..<3]))
    return [apply(Linear(), hidden[0], inputs[3], inputs[4]), hidden[1]]
  }

  /// The tangent of y alone, where nothing needs that of z.
  func resultTangent(_ inputs: [Variable], sum z: Variable, _ tangents: [Variable?]) -> Variable? {
    let isConstant = inputs[1...].allSatisfy { $0.trace == nil } && z.trace == nil
    guard let dx = tangents[0], dx.trace == nil, isConstant, tangents[1...].allSatisfy({ $0 == nil }) else {
      return jvp(inputs, [], tangents: tangents)[0]
    }
    let weights = FeedForwardWeights(inputs[1...].map { $0.tensor })
    return Variable(
      Tensor.feedForwardTangent(dx.tensor, weights, sum: z.tensor, activation: activation))
  }
}

/// The gradients of ``FeedForward``: inputs x, U, D, z, dy; results dx, dU, da, dD, db.
struct FeedForwardGradient: Composed {
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let (x, up, down, z, dy) = (inputs[0], inputs[1], inputs[2], inputs[3], inputs[4])
    // The gradients do not depend on the biases.
    let weights = FeedForwardWeights([up, .zeros([up.shape[0]]), down, .zeros([down.shape[0]])])
    let g = Tensor.feedForwardGradient(x, weights, sum: z, cotangent: dy, activation: activation)
    return [g.input, g.weights.up, g.weights.upBias, g.weights.down, g.weights.downBias]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let (x, up, down, z, dy) = (inputs[0], inputs[1], inputs[2], inputs[3], inputs[4])
    let dz = combine(activation.gradient, matmul(dy, down), z)
    return [
      matmul(dz, up), matmul(dz, x, transposeA: true), dz.sum(axis: 0),
      matmul(dy, z.map(activation.function), transposeA: true), dy.sum(axis: 0),
    ]
  }
}

/// The network of constants: nothing is kept.
private struct ConstantFeedForward: Composed {
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.feedForward(inputs[0], FeedForwardWeights(Array(inputs[1...])), activation: activation)]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [apply(FeedForward(activation: activation), to: inputs)[0]]
  }
}

extension FeedForwardWeights {
  /// From U, a, D, b.
  fileprivate init(_ tensors: [Tensor]) {
    self.init(up: tensors[0], upBias: tensors[1], down: tensors[2], downBias: tensors[3])
  }
}

/// f(x·Uᵀ + a)·Dᵀ + b over the last axis of x [..., input], with U [hidden, input] and D [output, hidden].
///
/// The hidden layer is formed and used a tile of rows at a time. Where a derivative is taken, x·Uᵀ + a is kept beside
/// the result; the backward pass forms everything else of the hidden layer anew, a tile at a time.
public func feedForward(
  _ x: Variable, up: (weight: Variable, bias: Variable), down: (weight: Variable, bias: Variable),
  activation: Activation
) -> Variable {
  let input = x.shape[-1]
  let inputs = [
    x.reshaped([x.shape.count / max(input, 1), input]), up.weight, up.bias, down.weight, down.bias,
  ]
  return rows(inputs, FeedForward(activation: activation))
    .reshaped(x.shape.replacing(-1, with: down.weight.shape[0]))
}

private func rows(_ inputs: [Variable], _ primitive: FeedForward) -> Variable {
  switch innermost(inputs)?.role {
  case nil, .constant: apply(ConstantFeedForward(activation: primitive.activation), to: inputs)[0]
  case .recorded: apply(primitive, to: inputs)[0]
  case .dual:
    applyDual(primitive, inputs) { primals, outputs, tangents in
      [primitive.resultTangent(primals, sum: outputs[1], tangents), nil]
    }[0]
  }
}
