// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// x where a condition is not 0, else y, with broadcasting: inputs x, y.
struct Select: Primitive {
  let condition: Tensor

  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.select(condition, inputs[0], inputs[1])] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let zero = Variable(0)
    return [
      select(condition, tangents[0] ?? zero, tangents[1] ?? zero).broadcast(to: outputs[0].shape)
    ]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = cotangents[0]!, zero = Variable(0)
    return [
      needed[0] ? select(condition, d, zero).sum(to: inputs[0].shape) : nil,
      needed[1] ? select(condition, zero, d).sum(to: inputs[1].shape) : nil,
    ]
  }
}

/// x where `condition` is not 0, else y, with broadcasting; the derivative follows the choice.
///
/// What is not chosen may be infinite or NaN, but its own derivative must not be: 0 times infinity is NaN. Replace the
/// argument of a function outside its domain, not only its result.
public func select(_ condition: Tensor, _ x: Variable, _ y: Variable) -> Variable {
  apply(Select(condition: condition), x, y)
}
