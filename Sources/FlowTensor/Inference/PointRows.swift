// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The manifolds on which a kernel takes a step in one go.
package enum PointKernel: Sendable, Equatable {
  /// ℝⁿ.
  case euclidean
  /// Angles in [0, 2π).
  case torus
  /// Unit vectors.
  case sphere
  /// 3×3 rotation matrices, row by row.
  case rotation
  /// ⟨x, x⟩ = −1 with the first coordinate of negative sign.
  case hyperboloid
  /// The Poincaré ball of curvature −1.
  case ball

  fileprivate var number: Int32 {
    switch self {
    case .euclidean: Int32(FLOW_EUCLIDEAN)
    case .torus: Int32(FLOW_TORUS)
    case .sphere: Int32(FLOW_SPHERE)
    case .rotation: Int32(FLOW_ROTATION)
    case .hyperboloid: Int32(FLOW_HYPERBOLOID)
    case .ball: Int32(FLOW_BALL)
    }
  }
}

/// What happens to rows of points outside a network, on the calling thread.
package enum PointRows {
  /// x ← exp_x(scale·P_x u) for rows of `width` numbers; u is overwritten.
  package static func step(
    _ kernel: PointKernel, rows: Int, width: Int, scale: Float, along u: UnsafeMutablePointer<Float>,
    uStride: Int,
    from x: UnsafeMutablePointer<Float>, stride: Int
  ) {
    flow_step_points(kernel.number, rows, width, scale, u, uStride, flow_points(x: x, stride: stride))
  }

  /// u ← u/λ, λ the conformal factor of the Poincaré ball.
  package static func normaliseOnBall(
    rows: Int, width: Int, _ u: UnsafeMutablePointer<Float>, uStride: Int, at x: UnsafePointer<Float>,
    stride: Int
  ) {
    flow_normalise_ball(rows, width, u, uStride, x, stride)
  }

  /// Rows from `first` on of the manifold's prior: uniform where it is compact, a wrapped normal where it is not; each
  /// decided by key, stream and its number alone.
  package static func draw(
    _ kernel: PointKernel, key: UInt64, stream: UInt64, first: Int, rows: Int, width: Int,
    into x: UnsafeMutablePointer<Float>, stride: Int
  ) {
    flow_draw_points(
      kernel.number, key, stream, UInt64(first), rows, width, flow_points(x: x, stride: stride))
  }
}

/// What a network sees of points: some coordinates as they are, then sines and cosines of multiples of others.
package final class SeenStates: @unchecked Sendable {  // Safe: written in the initialiser alone.
  /// One number that is seen.
  package enum Column: Sendable, Equatable {
    /// A coordinate as it is.
    case plain(Int)
    /// The cosine of a multiple of a coordinate.
    case cosine(Int, multiple: Int)
    /// The sine of a multiple of a coordinate.
    case sine(Int, multiple: Int)
  }

  /// How many numbers are seen.
  package let count: Int
  private let features: flow_state_features
  private let source: UnsafeMutablePointer<Int32>
  private let factor: UnsafeMutablePointer<Float>
  private let quarter: UnsafeMutablePointer<Int32>

  /// What is seen, in the order of the network's inputs; plain columns come first.
  package init(_ columns: [Column]) {
    count = columns.count
    source = .allocate(capacity: count)
    factor = .allocate(capacity: count)
    quarter = .allocate(capacity: count)
    var plain = 0
    for (index, column) in columns.enumerated() {
      let (place, multiple, turn): (Int, Int, Int32) =
        switch column {
        case .plain(let place): (place, 1, 0)
        case .cosine(let place, let multiple): (place, multiple, 1)
        case .sine(let place, let multiple): (place, multiple, 0)
        }
      if case .plain = column {
        precondition(plain == index, "SeenStates: a coordinate after an angle")
        plain += 1
      }
      (source + index).initialize(to: Int32(place))
      (factor + index).initialize(to: Float(multiple))
      (quarter + index).initialize(to: turn)
    }
    features = flow_state_features(
      columns: count, plain: plain, source: source, factor: factor, quarter: quarter)
  }

  deinit {
    source.deallocate()
    factor.deallocate()
    quarter.deallocate()
  }

  /// Writes what is seen of `rows` points, rows of y `yStride` apart.
  package func see(
    _ rows: Int, _ x: UnsafePointer<Float>, stride: Int, into y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    var features = features
    flow_see_states(&features, rows, x, stride, y, yStride)
  }
}
