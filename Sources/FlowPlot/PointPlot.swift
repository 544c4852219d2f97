// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Points to be drawn beside each other: generated ones as a density, true ones as dots.
public struct PointPlot: Sendable {
  /// What the points are points of, and so how they are laid on paper.
  public enum Surface: Sendable {
    /// Unit vectors of three coordinates: longitude across, latitude up, every degree of the same length.
    case sphere
    /// Angles, any number of them: one Ramachandran plot for each pair of neighbours, at most three.
    case torus
    /// Rotations as 3×3 matrices, row by row: where each of the three axes is taken to, on a sphere.
    case rotations
    /// Points of the Poincaré disk.
    case disk
    /// Points of the plane, or the first two coordinates of others: within this distance of the origin.
    case plane(reach: Double)
  }

  /// One panel: places in 0..<1 × 0..<1, y downwards.
  struct Panel {
    var title: String
    var aspect: Double
    var generated: [(x: Double, y: Double)]
    var data: [(x: Double, y: Double)]
  }

  private let surface: Surface
  private let title: String
  private let panels: [Panel]

  /// A plot of points given row by row, `width` numbers a point.
  public init(
    _ surface: Surface, title: String, generated: [Float], data: [Float], width: Int
  ) {
    self.surface = surface
    self.title = title
    let rows = { (all: [Float]) in
      stride(from: 0, to: all.count - all.count % width, by: width).map { first in
        all[first..<first + width].map(Double.init)
      }
    }
    panels = surface.panels(generated: rows(generated), data: rows(data))
  }

  /// The picture as an SVG file.
  public var svg: String {
    let panelWidth = surface.panelWidth, gap = 24.0, top = 34.0
    let panelHeight = panelWidth / (panels.first?.aspect ?? 1)
    var drawing = Drawing(
      width: gap + Double(panels.count) * (panelWidth + gap), height: top + panelHeight + 30)
    drawing.text(title, x: gap, y: 21, size: 14)
    for (index, panel) in panels.enumerated() {
      let x = gap + Double(index) * (panelWidth + gap)
      draw(panel, in: &drawing, x: x, y: top, width: panelWidth, height: panelHeight)
      drawing.text(
        panel.title, x: x + panelWidth / 2, y: top + panelHeight + 18, size: 12, centred: true)
    }
    return drawing.svg
  }

  private func draw(
    _ panel: Panel, in drawing: inout Drawing, x: Double, y: Double, width: Double, height: Double
  ) {
    drawing.density(surface.density(panel), x: x, y: y, width: width, height: height)
    for share in surface.gridShares {
      drawing.line(from: (x + share.x * width, y), to: (x + share.x * width, y + height))
      drawing.line(from: (x, y + share.y * height), to: (x + width, y + share.y * height))
    }
    let dots = panel.data.filter { (0...1).contains($0.x) && (0...1).contains($0.y) }
    drawing.dots(
      dots.map { (x + $0.x * width, y + $0.y * height) }, size: dots.count > 3000 ? 1.4 : 2.4,
      colour: "#c2410c", opacity: 0.65)
    if case .disk = surface {
      drawing.circle(x + width / 2, y + height / 2, radius: width / 2)
    } else {
      drawing.frame(x, y, width, height)
    }
  }
}
