// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

/// A flow whose map is known in closed form.
struct ExactFlow: CustomTestStringConvertible, Sendable {
  /// Which flow.
  enum Kind: String, Sendable, CaseIterable {
    /// All data are one point p: X_{t→r}(z) goes the share (t − r)/t of the way to it.
    case contraction
    /// Everything turns, 0.8 in the whole time.
    case rotation
  }

  let kind: Kind
  let manifold: any Manifold

  var testDescription: String { "\(kind) on \(manifold.name)" }

  /// Both flows where something turns, the contraction elsewhere.
  static let all: [ExactFlow] = [
    ("sphere(2)", true), ("sphere(5)", true), ("torus(3)", true), ("so(3)", true), ("poincare(2)", true),
    ("hyperboloid(2)", true), ("euclidean(2)", false), ("se(3)", false), ("power(sphere(2),2)", false),
    ("product(so(3),torus(2))", false), ("simplex(3)", false), ("scaled(2,sphere(2))", true),
  ].flatMap { name, turns in
    (turns ? Kind.allCases : [.contraction]).map { ExactFlow($0, name) }
  }

  /// Those whose samples' errors are those of float32 near 1.
  static let compact = all.filter { !["poincare(2)", "hyperboloid(2)"].contains($0.manifold.name) }

  init(_ kind: Kind, _ name: String) {
    self.kind = kind
    do { manifold = try FlowManifolds.manifold(named: name) } catch { preconditionFailure("\(error)") }
  }

  static let speed: Float = 0.8

  /// The point that a contraction ends in, [1, ambient].
  var end: Variable {
    let row = (0..<manifold.ambient).map { index -> Float in
      let rest = Float((index * 5 + 2) % 7)
      return rest / 17 + (index % 4 == 0 ? 0.5 : 0)
    }
    return manifold.projected(Variable(Tensor(row, shape: [1, manifold.ambient])))
  }

  /// z, turned by angles [count, 1] in a plane; on a torus, moved along the first angle.
  func turned(_ z: Variable, by angle: Variable) -> Variable {
    switch manifold.name {
    case "torus(3)": return manifold.projected(z + angle * Variable(Tensor([1, 0, 0], shape: [1, 3])))
    // The first two rows of a matrix, which is multiplied from the left.
    case "so(3)": return turned(z, by: angle, width: 3, from: 0)
    case "hyperboloid(2)": return turned(z, by: angle, width: 1, from: 1)
    default: return turned(z, by: angle, width: 1, from: 0)
    }
  }

  private func turned(_ z: Variable, by angle: Variable, width: Int, from first: Int) -> Variable {
    let (x, y) = (
      z.slice(axis: 1, first..<first + width), z.slice(axis: 1, first + width..<first + 2 * width)
    )
    let (c, s) = (angle.map(.cosine), angle.map(.sine))
    return concatenate(
      [
        z.slice(axis: 1, 0..<first), c * x - s * y, s * x + c * y,
        z.slice(axis: 1, first + 2 * width..<z.shape[1]),
      ],
      axis: 1)
  }

  /// The exact map, in place of a network's.
  var map: ManifoldMap {
    ManifoldMap(manifold) { z, r, t in
      switch kind {
      case .contraction: return -(manifold.log(z, end.broadcast(to: z.shape)) / t)
      case .rotation:
        let length = t - r
        let diagonal = Tensor.combine(.equal, length.tensor, Tensor(0))
        let safe = select(diagonal, Variable(1), length)
        let average = -(manifold.log(z, turned(z, by: -Self.speed * safe)) / safe)
        let velocity = jvp(
          at: [Variable(.zeros(length.shape))], along: [Variable(Tensor(repeating: 1, shape: length.shape))]
        ) { turned(z, by: Self.speed * $0[0]) }.tangent
        return select(diagonal, velocity, average)
      }
    }
  }

  /// A batch of states of the flow with jumps of all lengths. (Key 1 draws a normal number of −5.2, whose point of a
  /// hyperbolic plane float32 cannot hold to the digits asked for.)
  func batch(_ count: Int = 32, key: UInt64 = 2) -> JumpBatch {
    var random = Random(key: key)
    let noise = Variable(manifold.samplePrior(count, &random))
    let column = { (values: [Float]) in Variable(Tensor(values, shape: [count, 1])) }
    let r = random.uniforms(count).map { 0.05 + 0.55 * $0 }
    let t = zip(r, random.uniforms(count)).map { $0 + 0.1 + (0.85 - $0) * $1 }
    let at = { (time: Variable) in
      map.jump(noise, from: column([Float](repeating: 1, count: count)), to: time)
    }
    let z = at(column(t)).detached
    return JumpBatch(
      z: z, velocity: map.velocity(z, at: column(t)), path: at, r: column(r),
      s: column(zip(r, t).map { ($0 + $1) / 2 }), t: column(t))
  }
}

/// The largest absolute value of a tensor; infinite if one is not a number.
func largest(_ x: Tensor) -> Float {
  x.elements.reduce(0) { $1.isNaN ? .infinity : max($0, abs($1)) }
}
