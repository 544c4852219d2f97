// SPDX-License-Identifier: Apache-2.0

/// Curves, each in a panel of its own with the least and the greatest value beside it.
public struct LinePlot: Sendable {
  private let title: String
  private let panels: [(name: String, points: [(x: Double, y: Double)])]

  /// A plot of named curves, each with points in the order of x.
  public init(title: String, panels: [(name: String, points: [(x: Double, y: Double)])]) {
    self.title = title
    self.panels = panels.filter { !$0.points.isEmpty }
  }

  /// The whole file.
  public var svg: String {
    let width = 640.0, height = 130.0, top = 34.0
    var drawing = Drawing(width: width, height: top + height * Double(max(1, panels.count)))
    drawing.text(title, x: width / 2, y: 22, size: 16, centred: true)
    for (index, panel) in panels.enumerated() {
      draw(
        panel, x: 90, y: top + height * Double(index) + 14, width: width - 110, height: height - 36, &drawing)
    }
    return drawing.svg
  }

  private func draw(
    _ panel: (name: String, points: [(x: Double, y: Double)]), x: Double, y: Double, width: Double,
    height: Double, _ drawing: inout Drawing
  ) {
    let values = panel.points.map(\.y), steps = panel.points.map(\.x)
    let (least, most) = (values.min()!, values.max()!), (first, last) = (steps.min()!, steps.max()!)
    let place = { (point: (x: Double, y: Double)) in
      (
        x: x + (last > first ? (point.x - first) / (last - first) : 0.5) * width,
        y: y + (most > least ? (most - point.y) / (most - least) : 0.5) * height
      )
    }
    drawing.frame(x, y, width, height)
    let places = panel.points.map(place)
    for (a, b) in zip(places, places.dropFirst()) { drawing.line(from: a, to: b, colour: "#2a6fbb") }
    drawing.dots(places, size: 4, colour: "#2a6fbb")
    drawing.text(panel.name, x: x + 6, y: y + 14, size: 12)
    drawing.text(short(most), x: 8, y: y + 10, size: 11)
    drawing.text(short(least), x: 8, y: y + height, size: 11)
    drawing.text(short(first), x: x, y: y + height + 14, size: 11, centred: true)
    drawing.text(short(last), x: x + width, y: y + height + 14, size: 11, centred: true)
  }

  /// Four digits or so.
  private func short(_ value: Double) -> String {
    let size = abs(value)
    if size >= 1000 || value == value.rounded() { return "\(Int(value.rounded()))" }
    let scale = size >= 10 ? 10.0 : size >= 0.1 ? 1000 : 100_000
    return "\((value * scale).rounded() / scale)"
  }
}
