// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// Data N(0, c²): everything about the flow is known in closed form.
struct GaussianData: Sendable {
  let c: Float

  private func variance(_ t: Variable) -> Variable { t * t + c * c * (1 - t) * (1 - t) }

  /// X_{t→r}(z) = z·√((r² + (1 − r)²c²)/(t² + (1 − t)²c²)).
  func flow(_ z: Variable, from t: Variable, to r: Variable) -> Variable {
    z * (variance(r) / variance(t)).map(.sqrt)
  }

  /// v(z, t) = (t − (1 − t)c²)/(t² + (1 − t)²c²)·z.
  func velocity(_ z: Variable, _ t: Variable) -> Variable { (t - c * c * (1 - t)) / variance(t) * z }

  /// u(z, r, t) = (z − X_{t→r}(z))/(t − r), and v on the diagonal.
  func average(_ z: Variable, _ r: Variable, _ t: Variable) -> Variable {
    let isOff = Variable.greater(t, r)
    let mean = (z - flow(z, from: t, to: r)) / (t - r + (1 - isOff))
    return isOff * mean + (1 - isOff) * velocity(z, t)
  }

  /// E[x | z_t = z] = (1 − t)c²/(t² + (1 − t)²c²)·z.
  func mean(_ z: Variable, _ t: Variable) -> Variable { c * c * (1 - t) / variance(t) * z }
}

@Suite("Flow maps")
struct FlowMapTests {
  static let data = [GaussianData(c: 0.5), GaussianData(c: 1), GaussianData(c: 3)]
  let z = Variable(Tensor([-2, -0.5, 0, 0.1, 1, 3]))

  @Test("predictions and velocities are converted both ways", arguments: data)
  func conversions(data: GaussianData) {
    for t in [0.05, 0.3, 0.7, 1].map({ Variable(Float($0)) }) {
      let d = data.mean(z, t)
      let v = LinearPath.velocity(of: d, state: z, at: t)
      expectClose(v, data.velocity(z, t), 1e-4)
      expectClose(LinearPath.prediction(of: v, state: z, at: t), d, 1e-5)
    }
  }

  @Test("the path begins at the data, ends at the noise, and moves with e − x")
  func path() {
    var random = Random(key: 1)
    let x = Variable(random.normal([8])), e = Variable(random.normal([8]))
    let at = { (t: Float) in LinearPath.interpolate(data: x, noise: e, at: Variable(t)) }
    expectClose(at(0), x, 0)
    expectClose(at(1), e, 1e-6)
    expectClose(4 * (at(0.5) - at(0.25)), e - x, 1e-5)
    // The conditional mean and velocity of one pair are the pair itself.
    expectClose(LinearPath.prediction(of: e - x, state: at(0.6), at: Variable(0.6)), x, 1e-6)
  }

  @Test("the exact flow has no semigroup residual", arguments: data)
  func semigroup(data: GaussianData) {
    for (r, s, t) in [(0, 0.5, 1), (0.1, 0.2, 0.9), (0.25, 0.375, 0.5), (0, 0.01, 0.02)].map({
      (Variable(Float($0)), Variable(Float($1)), Variable(Float($2)))
    }) {
      let target = semigroupTarget(z, r: r, s: s, t: t, velocity: data.average)
      expectClose(target, data.average(z, r, t), 2e-4)
      let wrong = semigroupTarget(z, r: r, s: s, t: t) { z, r, t in data.average(z, r, t) + 0.1 * z * t }
      #expect(distance(wrong, data.average(z, r, t) + 0.1 * z * t) > 1e-4)
    }
  }

  @Test("two jumps are the jump of the semigroup target, for any velocity")
  func composition() {
    let u: AverageVelocity = { z, r, t in (z * t).map(.sine) + r * z }
    let (r, s, t) = (Variable(0.2), Variable(0.45), Variable(0.9))
    let middle = jump(z, from: t, to: s, velocity: u(z, s, t))
    let composed = jump(middle, from: s, to: r, velocity: u(middle, r, s))
    let target = semigroupTarget(z, r: r, s: s, t: t, velocity: u)
    expectClose(jump(z, from: t, to: r, velocity: target), composed, 1e-5)
  }

  @Test("the exact flow in any number of jumps makes noise into data", arguments: data, [1, 2, 4, 7])
  func sampling(data: GaussianData, steps: Int) {
    var z = self.z
    let times = uniformSchedule(steps: steps)
    for (t, r) in zip(times, times.dropFirst()).map({ (Variable($0), Variable($1)) }) {
      z = jump(z, from: t, to: r, velocity: data.average(z, r, t))
    }
    expectClose(z, data.c * self.z, 1e-4)
  }

  @Test("Euler steps of the diagonal approach the flow with first order")
  func order() {
    let data = GaussianData(c: 0.5)
    let errors = [64, 128, 256].map { steps -> Float in
      var z = Variable(1)
      let times = uniformSchedule(steps: steps)
      for (t, r) in zip(times, times.dropFirst()).map({ (Variable($0), Variable($1)) }) {
        z = jump(z, from: t, to: r, velocity: data.velocity(z, t))
      }
      return abs(z.tensor.item - 0.5)
    }
    // Known: 128 steps end at 0.49425.
    #expect(abs(errors[1] - 0.00575) < 1e-4)
    for (coarse, fine) in zip(errors, errors.dropFirst()) { #expect(abs(log2(coarse / fine) - 1) < 0.05) }
  }

  @Test("nothing of the target is differentiated")
  func detached() {
    let g = gradient(at: [Variable(2)]) { arguments in
      semigroupTarget(arguments[0], r: Variable(0), s: Variable(0.5), t: Variable(1)) { z, _, _ in
        z * arguments[0]
      }
    }
    #expect(g[0].tensor.item == 0)
  }

  private func expectClose(
    _ found: Variable, _ wanted: Variable, _ tolerance: Float,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(distance(found, wanted) <= tolerance, sourceLocation: sourceLocation)
  }

  private func distance(_ x: Variable, _ y: Variable) -> Float {
    (x - y).tensor.elements.reduce(0) { $1.isNaN ? .infinity : max($0, abs($1)) }
  }
}
