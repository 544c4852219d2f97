// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// A loss whose gradient draws the law of what a generator makes towards another, by the velocities of both laws' flows:
/// ⟨u, sg(v_made − v_wanted)⟩ a row, [count, 1].
///
/// The generator makes x̂ = e − u(e, 0, 1). With scores S = −(z + (1 − τ)·v)/τ of noised x̂ at time τ, the gradient of
/// KL(made ‖ wanted) in x̂ is S_made − S_wanted = ((1 − τ)/τ)(v_wanted − v_made) times a weight, and u goes against x̂.
/// FreeFlow's correction (2511.19428), whose time and weight are the caller's.
///
/// - Parameters:
///   - u: of the generator, recorded, rows of numbers.
///   - made: the velocity of the flow of what it makes, at noised x̂.
///   - wanted: that of the law that is wanted, at the same states.
///   - adaptive: whether each row's difference is divided by the square of its length, as an adaptive weight of power 1 does
///     to the error of a jump: the two then pull alike.
public func correctionLoss(
  velocity u: Variable, made: Variable, wanted: Variable, adaptive: Bool = false
) -> Variable {
  var pull = (made - wanted).detached
  if adaptive { pull = pull / (pull.map(.square).sum(axes: [1], keepingAxes: true) + 1e-3) }
  return (u * pull).sum(axes: [1], keepingAxes: true)
}
