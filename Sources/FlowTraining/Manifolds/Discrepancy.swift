// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
public import FlowManifolds
public import FlowTensor

/// The maximum mean discrepancy of two sets of points with the kernel exp(−γ·d²) (Gretton et al. 2012).
public struct Discrepancy: Sendable {
  /// How far two points are apart, for the kernel.
  public enum Distance: String, Sendable, Codable {
    /// Along the shortest geodesic.
    case geodesic
    /// The mean of kernels of one coordinate each: what published figures on tori are made with.
    case perCoordinate
  }

  /// The estimates of two sets.
  public struct Estimate: Sendable, Codable, Equatable {
    /// √(mean k(x, x′) + mean k(y, y′) − 2·mean k(x, y)) with i = j among the pairs: what is published. Biased: two
    /// samples of one law are about √(2/n) apart.
    public var biased: Double
    /// The square without i = j among the pairs of a set: unbiased, so it may be negative.
    public var unbiasedSquare: Double
  }

  private let manifold: any Manifold
  private let distance: Distance
  private let gamma: Float

  /// The discrepancy on a manifold.
  public init(on manifold: any Manifold, distance: Distance = .geodesic, gamma: Float = 1) {
    self.manifold = manifold
    self.distance = distance
    self.gamma = gamma
  }

  /// A set that others are compared with: its own pairs are counted once.
  public struct Reference: Sendable {
    let points: Tensor
    let sum: Double
  }

  /// A set to compare with.
  public func reference(_ points: Tensor) -> Reference {
    Reference(points: points, sum: kernelSum(points, points))
  }

  /// The estimates of a set against another. Cost: n·(n + m) distances.
  public func estimate(_ x: Tensor, against y: Reference) -> Estimate {
    let n = Double(x.shape[0]), m = Double(y.points.shape[0])
    let xx = kernelSum(x, x), xy = kernelSum(x, y.points)
    let cross = 2 * xy / (n * m)
    // k(x, x) = 1.
    let unbiased = (xx - n) / (n * (n - 1)) + (y.sum - m) / (m * (m - 1)) - cross
    let square = xx / (n * n) + y.sum / (m * m) - cross
    // Rounding may make it negative; samples that are no numbers make it none, and `max` would hide that.
    return Estimate(biased: square < 0 ? 0 : square.squareRoot(), unbiasedSquare: unbiased)
  }

  /// Σ k(xᵢ, yⱼ) over all pairs, some rows of x at a time.
  private func kernelSum(_ x: Tensor, _ y: Tensor) -> Double {
    if manifold is Sphere, manifold.ambient > 16 { return sphereKernelSum(x, y) }
    let rows = max(1, (1 << 17) / max(1, y.count)), width = x.shape[1]
    return stride(from: 0, to: x.shape[0], by: rows).reduce(0) { sum, first in
      let some = x.rows(first..<min(first + rows, x.shape[0])), count = some.shape[0] * y.shape[0]
      let left = Variable(some.reshaped([some.shape[0], 1, width])).broadcast(
        to: [some.shape[0], y.shape[0], width])
      let right = Variable(y.reshaped([1, y.shape[0], width])).broadcast(to: left.shape)
      let apart = square(left.reshaped([count, width]), right.reshaped([count, width]))
      // Σ k = Σ (√k)², which is summed in double: sums of a million kernels are compared.
      let roots = (-0.5 * gamma * apart).map(.exp).tensor
      return sum + roots.sumOfSquares / Double(apart.shape[1])
    }
  }

  /// The same on a sphere in many dimensions, by angles from inner products, which a matrix product gives. Small angles
  /// are only good to 4e-4, of which the kernel sees the square.
  private func sphereKernelSum(_ x: Tensor, _ y: Tensor) -> Double {
    let cosine = matmul(Variable(x), Variable(y), transposeB: true).clamped(to: -1...1)
    let angle = Variable.arctangent(y: (1 - cosine.map(.square)).map(.sqrt), x: cosine)
    return (-0.5 * gamma * angle.map(.square)).map(.exp).tensor.sumOfSquares
  }

  /// What the kernel is of, [count, 1], or a column a coordinate, of whose kernels the mean is meant.
  private func square(_ x: Variable, _ y: Variable) -> Variable {
    switch distance {
    case .geodesic: manifold.distance(x, y).map(.square)
    case .perCoordinate: manifold.log(x, y).map(.square)
    }
  }
}
