// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowManifolds
public import FlowTensor
internal import Glibc

/// A field on a manifold with, if it has one, a number that grows along its curves: dz/dt, and dℓ/dt [count, 1].
public typealias AugmentedField = (_ z: Variable, _ t: Float) -> (velocity: Variable, growth: Variable?)

/// Integrates a field along a manifold, in either direction of time.
///
/// Stages are taken in ambient coordinates and put back on the manifold before the field looks at them, as the finished
/// step is: the field is extended by v∘projected, which keeps the order of the method. Nothing is recorded.
public struct FlowSolver: Sendable {
  /// How steps are chosen.
  public enum Steps: Sendable, Equatable {
    /// So many equal ones.
    case fixed(Int)
    /// As long as the error estimate, as a root mean square over rows and coordinates, stays below
    /// absolute + relative·|z|; at most `most`, then whatever is left in one.
    case adaptive(absolute: Double, relative: Double, most: Int)
  }

  private let method: ButcherTableau
  private let steps: Steps

  /// A solver of fixed steps.
  public init(_ method: ButcherTableau, steps: Int) {
    precondition(steps > 0, "FlowSolver: \(steps) steps")
    self.method = method
    self.steps = .fixed(steps)
  }

  /// Dormand–Prince with steps that keep an error estimate within bounds.
  public init(absolute: Double = 1e-5, relative: Double = 1e-5, most: Int = 2000) {
    precondition(
      absolute > 0 && relative >= 0 && most > 0, "FlowSolver: bounds \(absolute), \(relative), \(most)")
    method = .dormandPrince
    steps = .adaptive(absolute: absolute, relative: relative, most: most)
  }

  /// The state at time `end` of that which is z at `begin`, what has grown meanwhile, and evaluations of the field.
  public func solve(
    _ z: Tensor, from begin: Float, to end: Float, on manifold: any Manifold, field: @escaping AugmentedField
  ) -> (state: Tensor, growth: Tensor, evaluations: Int) {
    var run = SolverRun(z, manifold: manifold, method: method, field: field)
    switch steps {
    case .fixed(let count):
      for index in 0..<count {
        let at = { (place: Int) in begin + (end - begin) * Float(place) / Float(count) }
        run.accept(run.trial(from: at(index), step: at(index + 1) - at(index)))
      }
    case .adaptive(let absolute, let relative, let most):
      run.adapt(from: begin, to: end, absolute: absolute, relative: relative, most: most)
    }
    return (run.z.tensor, run.growth.tensor, run.evaluations)
  }
}

/// One integration in progress.
private struct SolverRun {
  private let manifold: any Manifold
  private let method: ButcherTableau
  private let field: AugmentedField
  private(set) var z: Variable
  private(set) var growth: Variable
  private(set) var evaluations = 0

  struct Trial {
    var z: Variable
    var growth: Variable
    var error: Variable?
  }

  init(_ z: Tensor, manifold: any Manifold, method: ButcherTableau, field: @escaping AugmentedField) {
    self.manifold = manifold
    self.method = method
    self.field = field
    self.z = Variable(z)
    growth = Variable(.zeros([z.shape[0], 1]))
  }

  mutating func accept(_ trial: Trial) { (z, growth) = (trial.z, trial.growth) }

  mutating func trial(from t: Float, step h: Float) -> Trial {
    var velocities: [Variable] = [], growths: [Variable] = []
    for (row, c) in zip(method.a, method.c) {
      let place = row.isEmpty ? z : manifold.projected(moved(z, by: velocities, weights: row, h))
      let slope = field(place, t + Float(c) * h)
      velocities.append(slope.velocity)
      if let growth = slope.growth { growths.append(growth) }
      evaluations += 1
    }
    return Trial(
      z: manifold.projected(moved(z, by: velocities, weights: method.b, h)),
      growth: growths.isEmpty ? growth : moved(growth, by: growths, weights: method.b, h),
      error: method.e.map { moved(Variable(0), by: velocities, weights: $0, h) })
  }

  private func moved(_ start: Variable, by slopes: [Variable], weights: [Double], _ h: Float) -> Variable {
    zip(slopes, weights).reduce(start) { $1.1 == 0 ? $0 : $0 + (h * Float($1.1)) * $1.0 }
  }

  mutating func adapt(from begin: Float, to end: Float, absolute: Double, relative: Double, most: Int) {
    let direction: Float = end < begin ? -1 : 1
    var t = begin, h = abs(end - begin) / 20
    for attempt in 1... {
      let left = abs(end - t)
      if left <= 1e-6 { return }
      let length = attempt >= most ? left : min(h, left)
      let trial = trial(from: t, step: direction * length)
      let error = size(of: trial.error!, absolute: absolute, relative: relative)
      // The step that would just keep the bound, with a margin, and never a jump of more than a factor of 5.
      let factor = Float(min(max(0.9 * pow(max(error, 1e-10), -1.0 / Double(method.order)), 0.2), 5))
      h = max(length * factor, 1e-5)
      if error <= 1 || attempt >= most || length <= 1e-5 {
        accept(trial)
        t = length == left ? end : t + direction * length
      }
    }
  }

  /// The error estimate in units of what is allowed; infinite where it is not a number.
  private func size(of error: Variable, absolute: Double, relative: Double) -> Double {
    let allowed = Float(absolute) + Float(relative) * z.map(.absolute)
    let square = (error / allowed).map(.square).mean().tensor.item
    return square.isFinite ? Double(square).squareRoot() : .infinity
  }
}
