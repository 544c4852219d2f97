// SPDX-License-Identifier: Apache-2.0

import FlowPlot
import Testing

@Suite("Plots")
struct PlotTests {
  private static let surfaces: [(PointPlot.Surface, [Float])] = [
    (.sphere, [1, 0, 0]), (.torus, [0, 1, 2]), (.rotations, [1, 0, 0, 0, 1, 0, 0, 0, 1]),
    (.disk, [0.5, -0.5]),
    (.plane(reach: 2), [1, 1]),
  ]

  @Test(
    "a picture has a panel for each view, a band where points were made, and a dot for each true one",
    arguments: 0..<5)
  func picture(index: Int) {
    let (surface, point) = Self.surfaces[index]
    let many = (0..<50).flatMap { _ in point }
    let svg = PointPlot(surface, title: "a < b & c", generated: many, data: point, width: point.count).svg
    #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains("a &lt; b &amp; c"))
    let panels = [1, 2, 3, 1, 1][index]
    #expect(svg.components(of: "h0\"").count == panels, "\(svg)")
    #expect(svg.contains("#143f58"))
  }

  @Test("longitude runs across and latitude up")
  func chart() {
    // 90° east on the equator: three quarters across, half way down, in a panel of 720 × 360 at (24, 34).
    let svg = PointPlot(.sphere, title: "", generated: [], data: [0, 1, 0], width: 3).svg
    #expect(svg.contains("M564 214h0"), "\(svg)")
  }
}

extension String {
  /// The parts that end with a piece of text.
  fileprivate func components(of piece: String) -> [Substring] {
    var found: [Substring] = [], rest = self[...]
    while let range = rest.firstRange(of: piece) {
      found.append(rest[..<range.upperBound])
      rest = rest[range.upperBound...]
    }
    return found
  }
}
