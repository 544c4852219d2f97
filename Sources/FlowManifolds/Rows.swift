// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

extension Variable {
  /// Σ xᵢyᵢ of each row, [count, 1].
  func dot(_ other: Variable) -> Variable { (self * other).sum(axes: [-1], keepingAxes: true) }

  /// Σ xᵢ² of each row, [count, 1].
  var squaredNorm: Variable { map(.square).sum(axes: [-1], keepingAxes: true) }

  /// The column of zeros beside the rows, [count, 1].
  var zeroColumn: Variable { Variable(.zeros([shape[0], 1])) }
}

/// 1 where x > y, else 0.
func greater(_ x: Variable, _ y: Variable) -> Tensor { Tensor.combine(.greater, x.tensor, y.tensor) }

/// 1 at the largest number of each row, else 0; of two that are within 1e-4 of each other, at the first.
func oneHotOfLargest(_ x: Tensor) -> Tensor {
  let ramp = Tensor((0..<x.shape[1]).map { Float($0) * 1e-4 }, shape: [1, x.shape[1]])
  let ranked = Tensor.combine(.subtract, x, ramp)
  return Tensor.combine(.equal, ranked, ranked.largest(axis: 1).reshaped([x.shape[0], 1]))
}
