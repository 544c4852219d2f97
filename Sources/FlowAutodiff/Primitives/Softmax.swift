// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The softmax over the last axis.
struct Softmax: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].softmax()] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [product(outputs[0], tangents[0]!)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [product(outputs[0], cotangents[0]!)]
  }

  /// y∘(d − Σ y∘d): the Jacobian diag(y) − y·yᵀ is symmetric, so both rules are this one.
  private func product(_ y: Variable, _ d: Variable) -> Variable {
    let inner = (y * d).sum(axis: -1)
    return y * (d - inner.reshaped(y.shape.replacing(-1, with: 1)))
  }
}

extension Variable {
  /// The softmax over the last axis.
  public func softmax() -> Variable { apply(Softmax(), self) }
}
