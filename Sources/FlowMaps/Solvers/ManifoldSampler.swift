// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
public import FlowTensor

/// How a sampler takes a step from t to r.
public enum ManifoldStep: String, Sendable, Codable, CaseIterable {
  /// X_{t→r}: the flow map.
  case jump
  /// The velocity at the start of the step, kept along its geodesic: exp_z(−(t − r)·v(z, t)), Euler's method.
  case euler
  /// The velocity at the time of the step's end, exp_z(−(t − r)·v(z, r)): what the published code of flow matching's
  /// baseline does. Kept to compare.
  case eulerAtEnd
}

extension ManifoldMap {
  /// z, moved through the times of `schedule` from the first to the last, one network evaluation a step.
  ///
  /// Cost: `schedule.count − 1` evaluations. A constant: nothing is recorded.
  public func sample(_ z: Tensor, schedule: [Float], by step: ManifoldStep = .jump) -> Tensor {
    trajectory(z, schedule: schedule, by: step).last!
  }

  /// The states at each time of `schedule`, the first of which is z.
  public func trajectory(_ z: Tensor, schedule: [Float], by step: ManifoldStep = .jump) -> [Tensor] {
    precondition(!schedule.isEmpty, "trajectory: no times")
    return zip(schedule, schedule.dropFirst()).reduce(into: [z]) { states, times in
      let z = Variable(states.last!)
      let column = { (time: Float) in Variable(Tensor(repeating: time, shape: [z.shape[0], 1])) }
      let (t, r) = (column(times.0), column(times.1))
      switch step {
      case .jump: states.append(jump(z, from: t, to: r).tensor)
      case .euler: states.append(manifold.exp(z, (r - t) * velocity(z, at: t)).tensor)
      case .eulerAtEnd: states.append(manifold.exp(z, (r - t) * velocity(z, at: r)).tensor)
      }
    }
  }
}
