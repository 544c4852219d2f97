// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The value of a scalar function and its gradient with respect to each argument.
///
/// Transformations nest: `function` may itself take gradients and forward derivatives. Memory: every
/// intermediate result until the backward pass has gone by it.
public func valueAndGradient(
  at arguments: [Variable], of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, gradient: [Variable]) {
  let (values, cotangents) = try pullback(at: arguments, of: { [try function($0)] }) { values in
    precondition(
      values[0].shape.count == 1, "gradient: the function returned shape \(values[0].shape), not one number")
    return [Variable(Tensor(repeating: 1, shape: values[0].shape))]
  }
  return (values[0], zip(arguments, cotangents).map { $1 ?? Variable(.zeros($0.shape)) })
}

/// The gradient of a scalar function with respect to each argument.
public func gradient(at arguments: [Variable], of function: ([Variable]) throws -> Variable) rethrows
  -> [Variable]
{
  try valueAndGradient(at: arguments, of: function).gradient
}
