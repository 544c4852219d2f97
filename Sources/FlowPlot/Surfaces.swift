// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How points of a surface are laid on paper.
extension PointPlot.Surface {
  var panelWidth: Double {
    switch self {
    case .sphere: 720
    case .rotations: 360
    case .torus, .disk, .plane: 360
    }
  }

  /// Where lines of a panel are, as shares of its sides.
  var gridShares: [(x: Double, y: Double)] {
    switch self {
    case .sphere, .rotations: [1, 2, 3, 4, 5].map { (Double($0) / 6, Double($0) / 6) }
    case .torus, .plane, .disk: [(0.5, 0.5)]
    }
  }

  func panels(generated: [[Double]], data: [[Double]]) -> [PointPlot.Panel] {
    let panel = { (title: String, aspect: Double, place: ([Double]) -> (x: Double, y: Double)) in
      PointPlot.Panel(
        title: title, aspect: aspect, generated: generated.map(place), data: data.map(place))
    }
    switch self {
    case .sphere:
      return [panel("longitude −180°…180°, latitude −90°…90°", 2) { Self.chart($0[0], $0[1], $0[2]) }]
    case .rotations:
      return ["x", "y", "z"].enumerated().map { column, name in
        panel("where the \(name) axis goes", 2) { Self.chart($0[column], $0[3 + column], $0[6 + column]) }
      }
    case .torus:
      let count = generated.first?.count ?? data.first?.count ?? 0
      return stride(from: 0, to: min(count, 6), by: 2).map { first in
        let second = min(first + 1, count - 1)
        return panel("angle \(first + 1) across, angle \(second + 1) up, −180°…180°", 1) {
          (Self.turn($0[first]), 1 - Self.turn($0[second]))
        }
      }
    case .disk: return [panel("Poincaré disk", 1) { ((1 + $0[0]) / 2, (1 - $0[1]) / 2) }]
    case .plane(let reach):
      return [
        panel("coordinates 1 and 2 within ±\(reach)", 1) {
          ((1 + $0[0] / reach) / 2, (1 - $0[1] / reach) / 2)
        }
      ]
    }
  }

  /// Longitude across, latitude up.
  private static func chart(_ x: Double, _ y: Double, _ z: Double) -> (x: Double, y: Double) {
    (turn(atan2(y, x)), 0.5 - atan2(z, (x * x + y * y).squareRoot()) / .pi)
  }

  /// An angle as a share of the way from −π to π.
  private static func turn(_ angle: Double) -> Double {
    let share = angle / (2 * .pi) + 0.5
    return share - share.rounded(.down)
  }

  func density(_ panel: PointPlot.Panel) -> DensityGrid {
    switch self {
    case .sphere, .rotations:
      let (columns, rows) = (180, 90)
      let width = { (row: Int) in max(sin(.pi * (Double(row) + 0.5) / Double(rows)), 0.05) }
      var grid = DensityGrid(panel.generated, columns: columns, rows: rows, area: width)
      grid.smooth(across: { 1.2 / width($0) }, down: 1.2, closesAcross: true, closesDown: false)
      return grid
    case .torus:
      var grid = DensityGrid(panel.generated, columns: 120, rows: 120)
      grid.smooth(across: { _ in 1.5 }, down: 1.5, closesAcross: true, closesDown: true)
      return grid
    case .disk, .plane:
      var grid = DensityGrid(panel.generated, columns: 120, rows: 120)
      grid.smooth(across: { _ in 1.5 }, down: 1.5, closesAcross: false, closesDown: false)
      return grid
    }
  }
}
