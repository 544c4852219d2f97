// SPDX-License-Identifier: Apache-2.0

internal import FlowPlot
internal import FoundationEssentials

/// What the lines of a `metrics.jsonl` say, as curves over the steps.
struct MetricCurves {
  /// By name, in the order of the first line.
  private var curves: [(name: String, points: [(x: Double, y: Double)])] = []

  /// Reads lines; what is no number is left out.
  init(lines: String) {
    for line in lines.split(separator: "\n") {
      guard let figures = try? JSONDecoder().decode([String: Double?].self, from: Data(line.utf8)),
        let step = figures["step"] ?? nil
      else { continue }
      for (name, value) in figures.sorted(by: { $0.key < $1.key }) where !Self.hidden.contains(name) {
        guard let value, value.isFinite else { continue }
        if let index = curves.firstIndex(where: { $0.name == name }) {
          curves[index].points.append((step, value))
        } else {
          curves.append((name, [(step, value)]))
        }
      }
    }
  }

  private static let hidden: Set = ["step", "peak bytes", "steps a second"]

  /// A panel a figure.
  func svg(title: String) -> String { LinePlot(title: title, panels: curves).svg }
}
