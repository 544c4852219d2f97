// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A function that a linear layer applies to its results while they are in cache.
public enum Activation: Int32, CaseIterable, Sendable {
  case silu, gelu

  /// The function by itself.
  public var function: UnaryFunction {
    switch self {
    case .silu: .silu
    case .gelu: .gelu
    }
  }

  /// (d, z) ↦ d·f′(z).
  public var gradient: BinaryFunction {
    switch self {
    case .silu: .siluGradient
    case .gelu: .geluGradient
    }
  }
}

/// y = f(z) with z = x·Wᵀ + b for x [rows, input] and W [output, input]: the product and its epilogues.
extension Tensor {
  /// f(x·Wᵀ + b); z is kept nowhere.
  public static func linear(_ x: Tensor, weight: Tensor, bias: Tensor, activation: Activation) -> Tensor {
    let shape = linearShape(x, weight, bias)
    return matmul(x, weight, shape, transposeA: false, transposeB: true) { _, count, c in
      flow_bias_activate(activation.rawValue, count, shape.n, bias.pointer, c, nil)
    }
  }

  /// f(z) and z = x·Wᵀ + b, which the derivatives need.
  public static func linearKeepingSum(
    _ x: Tensor, weight: Tensor, bias: Tensor, activation: Activation
  ) -> (result: Tensor, sum: Tensor) {
    let shape = linearShape(x, weight, bias)
    let y = Tensor(shape.result) { _ in }
    let z = matmul(x, weight, shape, transposeA: false, transposeB: true) { first, count, c in
      flow_bias_activate(
        activation.rawValue, count, shape.n, bias.pointer, c, y.storage.base + first * shape.n)
    }
    return (y, z)
  }

  /// f′(z)∘(dx·Wᵀ): the tangent of ``linear(_:weight:bias:activation:)`` along a tangent of x.
  public static func linearTangent(_ dx: Tensor, weight: Tensor, sum z: Tensor, activation: Activation)
    -> Tensor
  {
    let shape = MatmulShape(dx.shape, weight.shape, transposeA: false, transposeB: true)
    precondition(
      z.shape == shape.result, "linearTangent: sum \(z.shape) for a result of shape \(shape.result)")
    return matmul(dx, weight, shape, transposeA: false, transposeB: true) { first, count, c in
      flow_activation_tangent(activation.rawValue, count * shape.n, z.pointer + first * shape.n, c)
    }
  }

  /// dz = f′(z)∘dy and its sum over the rows, the gradient of the bias, in one pass.
  public static func activationGradient(
    _ z: Tensor, cotangent: Tensor, activation: Activation
  ) -> (sum: Tensor, bias: Tensor) {
    check(cotangent, like: z, in: "activationGradient")
    let columns = z.shape[-1], rows = z.count / max(columns, 1)
    let grain = max(1, elementGrain / max(columns, 1))
    let blocks = max(1, (rows + grain - 1) / grain)
    let partial = Tensor.zeros([blocks, columns])
    let dz = Tensor(z.shape) { result in
      Team.run(blocks) { block in
        let first = block * grain * columns
        flow_activation_gradient(
          activation.rawValue, min(grain, rows - block * grain), columns, z.pointer + first,
          cotangent.pointer + first, result + first, partial.storage.base + block * columns)
      }
    }
    return (dz, partial.sum(axis: 0))
  }

  private static func linearShape(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> MatmulShape {
    let shape = MatmulShape(x.shape, weight.shape, transposeA: false, transposeB: true)
    precondition(bias.shape == [shape.n], "linear: bias \(bias.shape) for \(shape.n) columns")
    return shape
  }
}
