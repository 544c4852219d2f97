// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
public import FlowTensor

extension ManifoldMap {
  /// Heun's method with geodesics: the velocity where the Euler step lands is moved back in parallel, and the step goes
  /// along the mean of both; order 2, two evaluations a step, and always on the manifold.
  public func heun(_ z: Tensor, schedule: [Float]) -> Tensor {
    zip(schedule, schedule.dropFirst()).reduce(z) { state, times in
      let z = Variable(state), step = times.1 - times.0
      let column = { (time: Float) in Variable(Tensor(repeating: time, shape: [z.shape[0], 1])) }
      let first = velocity(z, at: column(times.0))
      let ahead = manifold.exp(z, step * first)
      let second = manifold.transport(velocity(ahead, at: column(times.1)), from: ahead, to: z)
      return manifold.exp(z, (step / 2) * (first + second)).tensor
    }
  }
}
