// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Glibc

/// Rows of latitude and longitude in degrees as unit vectors (cos φ cos λ, cos φ sin λ, sin φ).
func earthPoints(path: String) throws -> Tensor {
  let table = try NumberTable(path: path, columns: 2, separator: ",")
  var points: [Float] = []
  for (row, line) in zip(table.rows, table.lines) {
    guard abs(row[0]) <= 90, abs(row[1]) <= 360 else {
      throw TrainingError(
        .badData,
        "\(path), line \(line): latitude \(row[0]), longitude \(row[1]) is no place; mend or remove the line")
    }
    let (latitude, longitude) = (row[0] * .pi / 180, row[1] * .pi / 180)
    points += [
      Float(cos(latitude) * cos(longitude)), Float(cos(latitude) * sin(longitude)), Float(sin(latitude)),
    ]
  }
  return Tensor(points, shape: [table.rows.count, 3])
}

/// Rows of angles in degrees, after some columns of labels, as angles in [0, 2π).
func angles(path: String, columns: Int, labels: Int) throws -> Tensor {
  let table = try NumberTable(path: path, columns: columns, labels: labels, separator: "\t")
  return Tensor(table.rows.flatMap { $0.map(radians) }, shape: [table.rows.count, columns])
}

/// An angle in degrees as one in [0, 2π).
private func radians(_ degrees: Double) -> Float {
  let turns = degrees / 360
  return min(Float((turns - turns.rounded(.down)) * 2 * .pi), (2 * .pi as Float).nextDown)
}

/// A table of percentile ranks over two angles: what Lovell et al. (2003) give of 500 proteins' backbones.
///
/// The value of a cell is the share of residues in cells that are no denser; so the cells' values in order of size
/// rise by the mass of the cells at each.
struct RankTable {
  private let centres: [(phi: Double, psi: Double)]
  private let masses: [Double]

  init(path: String) throws {
    let table = try NumberTable(path: path, columns: 3, separator: " ")
    guard table.rows.allSatisfy({ (0...1).contains($0[2]) }), table.rows.contains(where: { $0[2] > 0 }) else {
      throw TrainingError(.badData, "\(path): ranks must lie in 0…1, some above 0; fetch the file anew")
    }
    var levels: [Double: Int] = [:]
    for row in table.rows { levels[row[2], default: 0] += 1 }
    var masses: [Double: Double] = [:], last = 0.0
    for (level, cells) in levels.sorted(by: { $0.key < $1.key }) where level > 0 {
      masses[level] = (level - last) / Double(cells)
      last = level
    }
    centres = table.rows.map { ($0[0], $0[1]) }
    self.masses = table.rows.map { masses[$0[2]] ?? 0 }
  }

  /// `count` pairs of angles: a cell by its mass, evenly within the cell. Always the same ones.
  func sample(_ count: Int) -> Tensor {
    var sums = masses
    for index in sums.indices.dropFirst() { sums[index] += sums[index - 1] }
    let total = sums.last ?? 0
    var random = Random(key: 500)
    let draws = random.uniforms(3 * count)
    let points = (0..<count).flatMap { item -> [Float] in
      let wanted = Double(draws[3 * item]) * total
      var low = 0, high = sums.count - 1
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] > wanted { high = middle } else { low = middle + 1 }
      }
      let jitter = { (draw: Float) in 2 * Double(draw) - 1 }
      return [
        radians(centres[low].phi + jitter(draws[3 * item + 1])),
        radians(centres[low].psi + jitter(draws[3 * item + 2])),
      ]
    }
    return Tensor(points, shape: [count, 2])
  }
}
