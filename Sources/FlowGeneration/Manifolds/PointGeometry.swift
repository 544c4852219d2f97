// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
public import FlowManifolds
internal import FlowMaps
internal import FlowTensor

/// A manifold as a sampler walks on it: by kernels where there are any, by ``FlowManifolds/Manifold`` otherwise.
public struct PointGeometry: Sendable, Equatable {
  /// The manifold.
  public let manifold: any Manifold
  /// Numbers a point.
  public let ambient: Int
  private let factors: [Factor]?

  /// Coordinates that one kernel moves.
  private struct Factor: Sendable {
    let kernel: PointKernel
    let start: Int
    let width: Int
  }

  /// The geometry of a manifold.
  public init(_ manifold: any Manifold) {
    self.manifold = manifold
    ambient = manifold.ambient
    factors = Self.factors(of: manifold, from: 0)
  }

  /// The same manifold without kernels: what they are compared with.
  package init(general manifold: any Manifold) {
    self.manifold = manifold
    ambient = manifold.ambient
    factors = nil
  }

  /// Geometries of one name are the same.
  public static func == (a: PointGeometry, b: PointGeometry) -> Bool { a.manifold.name == b.manifold.name }

  /// The name of the manifold.
  public var name: String { manifold.name }
  /// Whether kernels do all of it.
  package var isFused: Bool { factors != nil }

  private static func factors(of manifold: any Manifold, from start: Int) -> [Factor]? {
    let kernel: PointKernel
    switch manifold {
    case is Euclidean: kernel = .euclidean
    case is FlatTorus: kernel = .torus
    case is Sphere: kernel = .sphere
    case is SpecialOrthogonal: kernel = .rotation
    case is Hyperboloid: kernel = .hyperboloid
    case is PoincareBall: kernel = .ball
    // Scaling changes lengths, not where geodesics lead.
    case let scaled as Scaled: return factors(of: scaled.base, from: start)
    case let product as Product: return factors(of: product.parts, from: start)
    case let power as Power:
      return factors(of: [any Manifold](repeating: power.base, count: power.copies), from: start)
    default: return nil
    }
    return [Factor(kernel: kernel, start: start, width: manifold.ambient)]
  }

  private static func factors(of parts: [any Manifold], from start: Int) -> [Factor]? {
    var all: [Factor] = [], start = start
    for part in parts {
      guard let some = factors(of: part, from: start) else { return nil }
      all += some
      start += part.ambient
    }
    return all
  }

  /// What makes a point unusable.
  public struct Fault: Sendable, Equatable {
    /// The index of the point.
    public let index: Int
    /// How far it is from the manifold.
    public let distance: Float
  }

  /// How far a point may be from the manifold, relative to its length where that is more than one: what float32 and six
  /// printed digits cost.
  public static let tolerance: Float = 1e-3

  /// The first point that is not on the manifold, or nil.
  public func fault(in coordinates: [Float]) -> Fault? {
    let points = Tensor(coordinates, shape: [coordinates.count / ambient, ambient])
    for (index, distance) in manifold.violation(points).enumerated() {
      let row = coordinates[index * ambient..<(index + 1) * ambient]
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // Also where the distance is no number, or the length more than a float.
      if !length.isFinite || !(distance <= Self.tolerance * max(1, length)) {
        return Fault(index: index, distance: distance)
      }
    }
    return nil
  }

  /// x ← the point of the manifold nearest to x, for `rows` rows.
  func project(_ rows: Int, _ x: UnsafeMutablePointer<Float>, stride: Int) {
    write(manifold.projected(Variable(read(rows, x, stride: stride))).tensor, to: x, stride: stride)
  }

  /// x ← exp_x(scale·v), for `rows` rows, v being what `head` makes of the answers u, which are overwritten.
  func step(
    _ rows: Int, _ head: Head, scale: Float, along u: UnsafeMutablePointer<Float>, uStride: Int,
    from x: UnsafeMutablePointer<Float>, stride: Int
  ) {
    if let factors, head == .velocity || isConformal {
      if head == .metricNormalised, factors[0].kernel == .ball {
        PointRows.normaliseOnBall(rows: rows, width: ambient, u, uStride: uStride, at: x, stride: stride)
      }
      factors.walk { factor, _ in
        PointRows.step(
          factor.kernel, rows: rows, width: factor.width, scale: scale, along: u + factor.start,
          uStride: uStride,
          from: x + factor.start, stride: stride)
      }
    } else {
      let point = Variable(read(rows, x, stride: stride))
      let answer = Variable(read(rows, u, stride: uStride))
      let tangent = scale * head.tangent(answer, at: point, on: manifold)
      write(manifold.projected(manifold.exp(point, tangent)).tensor, to: x, stride: stride)
    }
  }

  /// Whether a kernel divides by the metric's length of an ambient direction, which is one but on the ball.
  private var isConformal: Bool {
    guard let factors, factors.count == 1 else { return false }
    return [.euclidean, .torus, .sphere, .ball].contains(factors[0].kernel)
  }

  /// Points that are drawn together where there is no kernel: each belongs to a block that is drawn whole, so that a
  /// point depends on its number alone.
  private static let block = 64

  /// Points `first`, … of the manifold's own prior, each decided by `seed` and its number alone.
  func draw(_ rows: Int, seed: UInt64, first: Int, into x: UnsafeMutablePointer<Float>, stride: Int) {
    if let factors {
      factors.walk { factor, index in
        PointRows.draw(
          factor.kernel, key: seed, stream: UInt64(index), first: first, rows: rows, width: factor.width,
          into: x + factor.start, stride: stride)
      }
    } else {
      drawBlocks(rows, seed: seed, first: first, into: x, stride: stride) {
        manifold.samplePrior(Self.block, &$0)
      }
    }
  }

  /// The same for any way to draw a block of points.
  func drawBlocks(
    _ rows: Int, seed: UInt64, first: Int, into x: UnsafeMutablePointer<Float>, stride: Int,
    _ drawn: (inout Random) -> Tensor
  ) {
    var row = 0
    while row < rows {
      let (number, skipped) = (first + row).quotientAndRemainder(dividingBy: Self.block)
      let count = min(rows - row, Self.block - skipped)
      // A block may take many streams of the source.
      var random = Random(key: seed, stream: UInt64(number) << 16)
      write(drawn(&random).rows(skipped..<skipped + count), to: x + row * stride, stride: stride)
      row += count
    }
  }

  /// The block that ``drawBlocks(_:seed:first:into:stride:_:)`` draws at a time.
  static var blockCount: Int { block }

  private func read(_ rows: Int, _ x: UnsafePointer<Float>, stride: Int) -> Tensor {
    Tensor([rows, ambient]) { copy in
      for row in 0..<rows { (copy + row * ambient).initialize(from: x + row * stride, count: ambient) }
    }
  }

  private func write(_ points: Tensor, to x: UnsafeMutablePointer<Float>, stride: Int) {
    points.withElements { elements in
      for row in 0..<points.shape[0] {
        (x + row * stride).update(from: elements.baseAddress! + row * ambient, count: ambient)
      }
    }
  }
}
