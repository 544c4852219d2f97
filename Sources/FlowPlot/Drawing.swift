// SPDX-License-Identifier: Apache-2.0

/// A vector picture under construction: SVG text, coordinates in pixels from the top left.
public struct Drawing: Sendable {
  /// Pixels across.
  public let width: Double
  /// Pixels down.
  public let height: Double
  private var body: [String] = []

  /// An empty white picture.
  public init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// The whole file.
  public var svg: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(short(width)) \(short(height))" \
    width="\(short(width))" height="\(short(height))" font-family="sans-serif">
    <rect width="100%" height="100%" fill="#fff"/>
    \(body.joined(separator: "\n"))
    </svg>

    """
  }

  /// A rectangle's outline.
  public mutating func frame(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    body.append(
      "<rect x=\"\(short(x))\" y=\"\(short(y))\" width=\"\(short(width))\" height=\"\(short(height))\" "
        + "fill=\"none\" stroke=\"#444\"/>")
  }

  /// A circle's outline.
  public mutating func circle(_ x: Double, _ y: Double, radius: Double) {
    body.append(
      "<circle cx=\"\(short(x))\" cy=\"\(short(y))\" r=\"\(short(radius))\" fill=\"none\" stroke=\"#444\"/>")
  }

  /// A straight line.
  public mutating func line(
    from a: (x: Double, y: Double), to b: (x: Double, y: Double), colour: String = "#ddd"
  ) {
    body.append(
      "<path d=\"M\(short(a.x)) \(short(a.y))L\(short(b.x)) \(short(b.y))\" stroke=\"\(colour)\"/>")
  }

  /// Points as dots of one colour: a path of strokes of no length, which round ends make visible.
  public mutating func dots(
    _ points: [(x: Double, y: Double)], size: Double, colour: String, opacity: Double = 1
  ) {
    if points.isEmpty { return }
    let path = points.map { "M\(short($0.x)) \(short($0.y))h0" }.joined()
    body.append(
      "<path d=\"\(path)\" stroke=\"\(colour)\" stroke-width=\"\(short(size))\" stroke-linecap=\"round\" "
        + "stroke-opacity=\"\(short(opacity))\"/>")
  }

  /// A density as bands of colour: neighbours of one band in a row of cells are one stroke.
  public mutating func density(
    _ grid: DensityGrid, x: Double, y: Double, width: Double, height: Double
  ) {
    let cell = (x: width / Double(grid.columns), y: height / Double(grid.rows))
    for (band, colour) in DensityGrid.colours.enumerated() {
      let path = grid.runs(of: band + 1).map { run in
        let left = x + Double(run.columns.lowerBound) * cell.x
        return
          "M\(short(left)) \(short(y + (Double(run.row) + 0.5) * cell.y))h\(short(Double(run.columns.count) * cell.x))"
      }
      if path.isEmpty { continue }
      // A little wider than a row: no white between rows.
      body.append(
        "<path d=\"\(path.joined())\" stroke=\"\(colour)\" stroke-width=\"\(short(cell.y * 1.04))\"/>")
    }
  }

  /// A line of text that begins, or is centred, at a point.
  public mutating func text(
    _ line: String, x: Double, y: Double, size: Double = 13, centred: Bool = false
  ) {
    let escaped = line.reduce(into: "") { text, character in
      switch character {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      default: text.append(character)
      }
    }
    body.append(
      "<text x=\"\(short(x))\" y=\"\(short(y))\" font-size=\"\(short(size))\""
        + "\(centred ? " text-anchor=\"middle\"" : "")>\(escaped)</text>")
  }

  /// A number with at most two decimals: a picture needs no more.
  private func short(_ value: Double) -> String {
    precondition(value.isFinite, "Drawing: a coordinate is \(value)")
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    let decimals = rest % 10 == 0 ? "\(rest / 10)" : rest < 10 ? "0\(rest)" : "\(rest)"
    return "\(sign)\(whole).\(decimals)"
  }
}
