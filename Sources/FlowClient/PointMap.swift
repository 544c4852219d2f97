// SPDX-License-Identifier: Apache-2.0

internal import FlowPlot

/// A picture of points, of the kind that suits their manifold.
struct PointMap {
  /// The most points that go into a picture.
  static let mostPoints = 200_000
  /// The most of them that are drawn as dots as well.
  private static let mostDots = 1000

  let svg: String

  init(_ summary: PointSummary, _ points: [Float]) {
    let parts = factors(of: summary.geometry)
    let (surface, numbers, width) = layOut(parts, points, width: summary.width)
    let evaluations = summary.evaluations
    svg =
      PointPlot(
        surface,
        title: "\(summary.model): \(points.count / max(summary.width, 1)) points of \(summary.geometry), "
          + "\(evaluations) evaluation\(evaluations == 1 ? "" : "s"), seed \(summary.seed)",
        generated: numbers, data: Array(numbers.prefix(Self.mostDots * width)), width: width
      ).svg
  }

  func write(to path: String) throws(ClientError) {
    do throws(OutputFailure) {
      let sink = try openSink(.file(path))
      try sink.writeAll(Array(svg.utf8))
      _ = try sink.finish()
    } catch {
      throw error.error ?? ClientError(.output, "nobody reads \(path)")
    }
  }
}

/// The factors of a product by name, or the manifold itself.
private func factors(of geometry: String) -> [Substring] {
  guard geometry.hasPrefix("product("), geometry.hasSuffix(")") else { return [Substring(geometry)] }
  var depth = 0
  return geometry.dropFirst("product(".count).dropLast().split { character in
    if character == "(" { depth += 1 }
    if character == ")" { depth -= 1 }
    return character == "," && depth == 0
  }
}

/// The first factor of a kind that can be laid on paper, and its numbers.
private func layOut(
  _ factors: [Substring], _ points: [Float], width: Int
) -> (surface: PointPlot.Surface, numbers: [Float], width: Int) {
  let first = factors.first ?? ""
  let size = first.split(separator: "(").last.flatMap { Int($0.dropLast()) } ?? 0
  func columns(
    _ count: Int, _ surface: PointPlot.Surface, _ change: (ArraySlice<Float>) -> [Float] = { Array($0) }
  )
    -> (PointPlot.Surface, [Float], Int)
  {
    let rows = stride(from: 0, to: points.count, by: width).map { change(points[$0..<$0 + count]) }
    return (surface, rows.flatMap { $0 }, rows.first?.count ?? count)
  }
  switch first {
  case "sphere(2)" where width >= 3: return columns(3, .sphere)
  case "so(3)" where width >= 9: return columns(9, .rotations)
  case "poincare(2)" where width >= 2: return columns(2, .disk)
  // The projection through (−1, 0, 0), which takes the hyperboloid to the disk.
  case "hyperboloid(2)" where width >= 3:
    return columns(3, .disk) { row in
      let share = 1 / (1 + row[row.startIndex])
      return row.dropFirst().map { $0 * share }
    }
  case let name where name.hasPrefix("torus(") && size > 0 && size <= width: return columns(size, .torus)
  default:
    let most = points.reduce(Float(1e-3)) { max($0, abs($1)) }
    return columns(width, .plane(reach: Double(most) * 1.05)) { row in
      width > 1 ? Array(row) : Array(row) + [0]
    }
  }
}
