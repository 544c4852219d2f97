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

  /// z, taken from each time of `schedule` to the data and from there, by fresh noise, to the next time: the sampler of
  /// consistency models, which know no other jump (Song et al. 2023, algorithm 1); with a flow map a restart.
  ///
  /// - Parameters:
  ///   - schedule: times that fall, the last of them 0.
  ///   - path: how data and noise are mixed.
  ///   - noise: draws as many points of the prior as it is told.
  public func sampleRenoising(
    _ z: Tensor, schedule: [Float], along path: any ManifoldPath, _ random: inout Random,
    noise: (_ count: Int, _ random: inout Random) -> Tensor
  ) -> Tensor {
    precondition(schedule.last == 0, "sampleRenoising: a schedule that does not end at 0")
    let column = { (time: Float) in Variable(Tensor(repeating: time, shape: [z.shape[0], 1])) }
    return zip(schedule, schedule.dropFirst()).reduce(z) { z, times in
      let data = jump(Variable(z), from: column(times.0), to: column(0))
      if times.1 == 0 { return data.tensor }
      let fresh = Variable(noise(z.shape[0], &random))
      return path.state(data: data, noise: fresh, at: column(times.1)).point.tensor
    }
  }
}
