// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The gradient of a scalar function and the product of its Hessian with a direction: the forward derivative of the
/// gradient.
///
/// - Parameter tangents: the direction, one an argument and of its shape; nil where it is zero.
/// - Returns: for each argument, the gradient g and (∂g/∂arguments)·direction.
/// - Complexity: about two gradients in time and in memory, whatever the number of arguments.
public func hessianVectorProduct(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> Variable
) rethrows -> (gradient: [Variable], product: [Variable]) {
  let (gradients, products) = try pushforward(at: arguments, along: tangents) {
    try gradient(at: $0, of: function)
  }
  return (gradients, zip(arguments, products).map { $1 ?? Variable(.zeros($0.shape)) })
}
