// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds
public import FlowTensor

extension ManifoldMap {
  /// The log density of points under the flow v(z, t) = u(z, t, t), in nats against the Riemannian volume, [count].
  ///
  /// log p(z₀) = log p₁(z₁) + ∫₀¹ div v(z_t, t) dt along dz/dt = v from the point z₀ to noise z₁. Cost: one tangent of
  /// the network for each ambient coordinate and evaluation of the solver.
  ///
  /// - Parameter prior: log p₁ of rows, [count, 1]; the manifold's own if absent.
  public func logLikelihood(
    _ points: Tensor, prior: ((Variable) -> Variable)? = nil, solver: FlowSolver = FlowSolver(.rk4, steps: 50)
  ) -> [Float] {
    let end = solver.solve(points, from: 0, to: 1, on: manifold) { z, time in
      let t = Variable(Tensor(repeating: time, shape: [z.shape[0], 1]))
      let found = divergence(at: z, on: manifold) { velocity($0, at: t) }
      return (found.value, found.divergence)
    }
    let last = Variable(end.state), density = prior?(last) ?? manifold.priorLogDensity(last)
    return zip(density.tensor.elements, end.growth.elements).map { $0 + $1 }
  }
}
