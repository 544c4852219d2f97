// SPDX-License-Identifier: Apache-2.0

import FlowManifolds
import Testing

/// A manifold under test, and what rounding in float32 leaves of its laws.
struct ManifoldCase: CustomTestStringConvertible, Sendable {
  let name: String
  /// How long generic tangents are; the injectivity radius is longer.
  let reach: Float
  /// The error of a point, a tangent or a length, relative to 1 and to its size.
  let tolerance: Double

  init(_ name: String, reach: Float = 1.2, tolerance: Double = 1e-5) {
    self.name = name
    self.reach = reach
    self.tolerance = tolerance
  }

  var testDescription: String { name }
  var manifold: any Manifold { try! FlowManifolds.manifold(named: name) }
}

/// Every manifold, in the smallest dimension and in larger ones.
let manifoldTable: [ManifoldCase] = [
  ManifoldCase("euclidean(1)"), ManifoldCase("euclidean(4)"),
  ManifoldCase("torus(1)"), ManifoldCase("torus(7)"),
  ManifoldCase("sphere(1)"), ManifoldCase("sphere(2)", reach: 2.5), ManifoldCase("sphere(63)", reach: 2),
  ManifoldCase("so(3)", reach: 2.5), ManifoldCase("se(3)", reach: 2),
  // Prior points lie at radius 1 to 3 of hyperbolic space, where a row is good to 1e-7·e^r and its square.
  ManifoldCase("hyperboloid(1)", tolerance: 1e-4), ManifoldCase("hyperboloid(3)", tolerance: 3e-4),
  ManifoldCase("poincare(1)", tolerance: 1e-4), ManifoldCase("poincare(2)", tolerance: 1e-4),
  ManifoldCase("spd(1)"), ManifoldCase("spd(3)", tolerance: 1e-4),
  ManifoldCase("stiefel(4,2)", tolerance: 3e-5), ManifoldCase("stiefel(5,1)", tolerance: 3e-5),
  ManifoldCase("grassmann(4,2)", reach: 1), ManifoldCase("grassmann(5,1)", reach: 1),
  ManifoldCase("simplex(1)", reach: 0.1), ManifoldCase("simplex(3)", reach: 0.1),
  ManifoldCase("product(sphere(2),torus(2),poincare(2))", tolerance: 1e-4),
  ManifoldCase("power(so(3),3)"), ManifoldCase("scaled(2,sphere(2))"),
]
