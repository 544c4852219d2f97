// SPDX-License-Identifier: Apache-2.0

extension ManifoldEvaluation: CustomStringConvertible {
  /// The figures as a table.
  public var description: String {
    var lines = [
      "\(name) on \(manifold), target \(target), seed \(seed), \(testPoints) test points",
      "MMD with exp(−\(gamma)·d²): mean ± deviation of one draw; U: MMD² without bias, in 10⁻⁴",
      "samples" + padded("MMD", 25) + padded("U", 20)
        + (rows[0].perCoordinate == nil ? "" : padded("per coordinate", 20)) + padded("ms/1000", 10),
    ]
    lines += rows.map { row in
      let name =
        ["floor": "training points", "prior": "prior"][row.sampler] ?? "\(row.sampler) \(row.evaluations)"
      let coordinate = row.perCoordinate.map { padded(plusMinus($0, digits: 3), 20) } ?? ""
      let square = Spread(mean: row.unbiasedSquare.mean * 1e4, deviation: row.unbiasedSquare.deviation * 1e4)
      return name + padded(plusMinus(row.biased, digits: 3), 32 - name.count)
        + padded(plusMinus(square, digits: 1), 20) + coordinate
        + (row.evaluations == 0 ? "" : padded(fixed(row.milliseconds, digits: 1), 10))
    }
    let reference = "prior \(fixed(priorNegativeLogLikelihood, digits: 3))"
    lines.append(
      negativeLogLikelihood.map { "NLL of test points \(fixed($0, digits: 3)) nats (\(reference))" }
        ?? "NLL \(reference)")
    return lines.joined(separator: "\n")
  }
}

extension ManifoldEvaluation.Spread {
  fileprivate init(mean: Double, deviation: Double) {
    self.mean = mean
    self.deviation = deviation
  }
}

/// `0.034 ± 0.009`.
func plusMinus(_ spread: ManifoldEvaluation.Spread, digits: Int) -> String {
  "\(fixed(spread.mean, digits: digits)) ± \(fixed(spread.deviation, digits: digits))"
}

/// A number with so many decimals.
func fixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
  let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
  let scaled = Int((value * Double(scale)).rounded())
  let fraction = "\(abs(scaled) % scale)"
  let decimals = String(repeating: "0", count: digits - fraction.count) + fraction
  return (scaled < 0 ? "-" : "") + "\(abs(scaled) / scale)" + (digits == 0 ? "" : ".\(decimals)")
}

/// Text with spaces in front up to a width.
func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}
