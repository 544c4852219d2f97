// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// Lengths around the vector widths, and one that no width divides often.
let awkwardLengths = [0, 1, 15, 16, 17, 1000]

/// Whether each element is the wanted one to within `tolerance`, relative to magnitudes above 1.
func expectClose(
  _ found: Tensor, _ wanted: [Double], tolerance: Double, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == wanted.count, "\(what)", sourceLocation: sourceLocation)
  for (index, (found, wanted)) in zip(found.elements, wanted).enumerated() {
    let close = abs(Double(found) - wanted) <= tolerance * max(1, abs(wanted))
    if !close {
      Issue.record("\(what) element \(index): \(found), not \(wanted)", sourceLocation: sourceLocation)
      return
    }
  }
}

/// Every index of a shape in row-major order.
func indices(of shape: Shape) -> [[Int]] {
  shape.extents.reduce([[]]) { prefixes, extent in
    prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } }
  }
}

extension Tensor {
  /// The element at an index, in double precision; axes of extent 1 and missing leading axes are stretched.
  func element(_ index: [Int]) -> Double {
    let own = index.suffix(shape.rank)
    var place = 0
    for (axis, position) in own.enumerated() {
      place = place * shape[axis] + (shape[axis] == 1 ? 0 : position)
    }
    return Double(withElements { $0[place] })
  }

  /// The elements in double precision.
  var doubles: [Double] { elements.map(Double.init) }
}
