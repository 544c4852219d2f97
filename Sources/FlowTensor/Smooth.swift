// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// An analytic function of one number in a family that is closed under differentiation.
public enum SmoothFunction: Sendable, Hashable {
  /// The Stumpff function c_k(x) = Σ (−x)ⁿ/(2n + k)!, k ≥ 0: c₀(x) = cos √x and c₁(x) = sin √x / √x, which are
  /// cosh √−x and sinh √−x / √−x for negative x. 2·c_k′ = k·c_{k+2} − c_{k+1}.
  case stumpff(Int)
  /// A derivative of F(1 + x) with F(c) = arccos c / √(1 − c²), an angle over its sine as a function of its cosine;
  /// for c > 1 that is arcosh c / √(c² − 1). For x > −2, where the pole is.
  case angleOverSine(derivative: Int)
}

extension Tensor {
  /// `function` of each element, computed in double precision.
  public func map(_ function: SmoothFunction) -> Tensor {
    Tensor(shape) { result in
      // These take some ten times as long as a sum.
      Team.split(count, grain: elementGrain / 8) { range in
        let x = pointer + range.lowerBound, y = result + range.lowerBound
        switch function {
        case .stumpff(let k): flow_stumpff(Int32(k), range.count, x, y)
        case .angleOverSine(let order): flow_angle_over_sine(Int32(order), range.count, x, y)
        }
      }
    }
  }
}
