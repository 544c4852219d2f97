// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// y = log Σ eˣ over one axis, which disappears; the largest element is taken out first.
///
/// The gradient is the softmax e^(x−y).
struct LogSumExp: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let x = inputs[0], kept = x.shape.reduced([axis])
    let most = x.largest(axis: axis)
    let sum = Tensor.combine(.subtract, x, most.reshaped(kept)).map(.exp).sum(axis: axis)
    return [Tensor.combine(.add, most, sum.map(.log))]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [(tangents[0]! * softmax(inputs[0], outputs[0])).sum(axis: axis)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let kept = inputs[0].shape.reduced([axis])
    return [cotangents[0]!.reshaped(kept) * softmax(inputs[0], outputs[0])]
  }

  private func softmax(_ x: Variable, _ y: Variable) -> Variable {
    (x - y.reshaped(x.shape.reduced([axis]))).map(.exp)
  }
}

extension Variable {
  /// log Σ eˣ over one axis, which disappears; −∞ of no elements.
  public func logSumExp(axis: Int) -> Variable { apply(LogSumExp(axis: shape.normalized(axis)), self) }
}
