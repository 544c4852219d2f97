// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Glibc

/// Data on a line that are a mixture of normal laws with equal weights: in one dimension a flow keeps the order of points,
/// so its map is X_{t→r}(z) = Q_r(F_t(z)), quantile after distribution function, and all is known in closed form.
struct MixtureOnALine: Sendable {
  let means: [Double]
  let deviation: Double

  /// N(0.7, 0.5²).
  static let normal = MixtureOnALine(means: [0.7], deviation: 0.5)
  /// ½ N(−1, 0.2²) + ½ N(1, 0.2²).
  static let two = MixtureOnALine(means: [-1, 1], deviation: 0.2)

  private func spread(_ t: Double) -> Double {
    (pow((1 - t) * deviation, 2) + t * t).squareRoot()
  }

  /// F_t(z).
  func distribution(_ z: Double, _ t: Double) -> Double {
    means.reduce(0) { $0 + erfc(-(z - (1 - t) * $1) / (spread(t) * 2.squareRoot())) / 2 }
      / Double(means.count)
  }

  /// Q_t(p), by halving.
  func quantile(_ p: Double, _ t: Double) -> Double {
    var (least, most) = (-20.0, 20.0)
    for _ in 0..<80 {
      let middle = (least + most) / 2
      if distribution(middle, t) < p { least = middle } else { most = middle }
    }
    return (least + most) / 2
  }

  /// X_{t→r}(z).
  func flow(_ z: Double, from t: Double, to r: Double) -> Double { quantile(distribution(z, t), r) }

  /// D(z, t) = E[x given z_t = z].
  func data(_ z: Double, _ t: Double) -> Double {
    let s = spread(t)
    // Relative to the greatest: far out every density is 0.
    let exponents = means.map { -pow((z - (1 - t) * $0) / s, 2) / 2 }, most = exponents.max()!
    let parts = zip(means, exponents).map { mean, exponent in
      let share = exp(exponent - most)
      return (share, share * (mean + (1 - t) * pow(deviation / s, 2) * (z - (1 - t) * mean)))
    }
    return parts.reduce(0) { $0 + $1.1 } / parts.reduce(0) { $0 + $1.0 }
  }

  /// v(z, t) = E[e − x given z_t = z].
  func velocity(_ z: Double, _ t: Double) -> Double {
    t > 1e-9 ? (z - data(z, t)) / t : -z
  }

  /// log p_t(z).
  func logDensity(_ z: Double, _ t: Double) -> Double {
    let s = spread(t)
    let exponents = means.map { -pow((z - (1 - t) * $0) / s, 2) / 2 }, most = exponents.max()!
    let sum = exponents.reduce(0) { $0 + exp($1 - most) }
    return most + log(sum / (Double(means.count) * s * (2 * Double.pi).squareRoot()))
  }

  /// The exact map, in place of a network's: a constant, which nothing can be differentiated through.
  var map: ManifoldMap {
    ManifoldMap(Euclidean(dimension: 1)) { z, r, t in
      elementwise(z, r, t) { z, r, t in
        t - r > 1e-6 ? (z - flow(z, from: t, to: r)) / (t - r) : velocity(z, t)
      }
    }
  }

  func samples(_ count: Int, _ random: inout Random) -> Tensor {
    let normal = random.normal([count]).elements, which = random.uniforms(count)
    let values = zip(normal, which).map { n, u in
      Float(means[min(means.count - 1, Int(u * Float(means.count)))]) + Float(deviation) * n
    }
    return Tensor(values, shape: [count, 1])
  }
}

/// A function of numbers, for each row of states and times [count, 1].
func elementwise(
  _ z: Variable, _ r: Variable, _ t: Variable, _ f: (_ z: Double, _ r: Double, _ t: Double) -> Double
) -> Variable {
  let (z, r, t) = (z.tensor.elements, r.tensor.elements, t.tensor.elements)
  let values = z.indices.map { Float(f(Double(z[$0]), Double(r[$0]), Double(t[$0]))) }
  return Variable(Tensor(values, shape: [values.count, 1]))
}

/// A column of one time.
func column(_ time: Double, _ count: Int) -> Variable {
  Variable(Tensor(repeating: Float(time), shape: [count, 1]))
}

func mean(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1) } / Double(x.count) }

func deviation(_ x: [Float]) -> Double {
  let middle = mean(x)
  return (x.reduce(0) { $0 + pow(Double($1) - middle, 2) } / Double(x.count)).squareRoot()
}
