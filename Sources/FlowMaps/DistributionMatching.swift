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
///   - normalised: whether the difference is scaled so that each row's mean square is 1.
public func correctionLoss(
  velocity u: Variable, made: Variable, wanted: Variable, normalised: Bool = false
) -> Variable {
  var pull = (made - wanted).detached
  if normalised {
    let size = (pull.map(.square).mean(axes: [1], keepingAxes: true) + 1e-6).map(.sqrt)
    pull = pull / size
  }
  return (u * pull).sum(axes: [1], keepingAxes: true)
}
