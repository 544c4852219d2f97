// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Linear layers of one input: inputs x, W and b of each layer in turn; results y = x·Wᵀ + b of each layer.
struct Linears: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    Tensor.linear(inputs[0], layers(inputs).map { LinearWeights(weight: $0.weight, bias: $0.bias) })
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    zip(zip(layers(inputs), layers(tangents)), outputs).map { layer, output in
      let (values, moved) = layer
      return Linear.tangent(
        [inputs[0], values.weight, values.bias], [tangents[0], moved.weight, moved.bias])?
        .broadcast(to: output.shape)
    }
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = zip(cotangents, outputs).map { $0 ?? Variable(.zeros($1.shape)) }
    return gradients(of: inputs[0], layers(inputs).map(\.weight), d, needsInput: needed[0])
  }

  private func layers<Value>(_ inputs: [Value]) -> [(weight: Value, bias: Value)] {
    stride(from: 1, to: inputs.count, by: 2).map { (inputs[$0], inputs[$0 + 1]) }
  }
}

/// The gradients of linear layers of one input: inputs x, W of each layer, dy of each layer, and z where there is an
/// activation; results dW and db of each layer in turn, and dx where it is needed.
struct LinearsGradient: Composed {
  let layers: Int
  let needsInput: Bool
  /// Of the only layer.
  let activation: Activation?

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.linearGradient(
      inputs[0],
      (0..<layers).map { layer in
        LinearCotangent(
          weight: inputs[1 + layer], cotangent: inputs[1 + layers + layer],
          activation: activation.map { ($0, inputs[1 + 2 * layers]) })
      }, input: needsInput)
    return zip(g.weights, g.biases).flatMap { [$0, $1] } + (g.input.map { [$0] } ?? [])
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let cotangents = (0..<layers).map { layer in
      let dy = inputs[1 + layers + layer]
      return activation.map { combine($0.gradient, dy, inputs[1 + 2 * layers]) } ?? dy
    }
    var results = cotangents.flatMap { [matmul($0, inputs[0], transposeA: true), $0.sum(axis: 0)] }
    if needsInput {
      let parts = zip(cotangents, inputs[1...]).map { matmul($0, $1) }
      results.append(parts.dropFirst().reduce(parts[0]) { $0 + $1 })
    }
    return results
  }
}

/// The cotangents of x, and of W and b of each layer in turn.
func gradients(
  of x: Variable, _ weights: [Variable], _ cotangents: [Variable], needsInput: Bool,
  activation: (function: Activation, sum: Variable)? = nil
) -> [Variable?] {
  let primitive = LinearsGradient(
    layers: weights.count, needsInput: needsInput, activation: activation?.function)
  let results = apply(
    primitive, to: [x] + weights + cotangents + (activation.map { [$0.sum] } ?? []))
  let input = needsInput ? results.last : nil
  return [input] + results[..<(2 * weights.count)].map(Optional.some)
}

/// x·Wᵀ + b for several layers of one x [..., input]: x is read once, and its gradient is one sum.
public func linear(_ x: Variable, layers: [(weight: Variable, bias: Variable)]) -> [Variable] {
  let input = x.shape[-1]
  let rows = x.reshaped([x.shape.count / max(input, 1), input])
  return zip(apply(Linears(), to: [rows] + layers.flatMap { [$0.weight, $0.bias] }), layers).map {
    $0.reshaped(x.shape.replacing(-1, with: $1.weight.shape[0]))
  }
}
