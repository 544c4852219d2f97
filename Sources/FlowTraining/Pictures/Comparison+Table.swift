// SPDX-License-Identifier: Apache-2.0

/// The results of a comparison as Markdown.
extension Comparison {
  /// The table, with what true pictures measure above it.
  public func markdown(_ results: [ComparisonResult]) throws -> String {
    let (floor, accuracy) = try floor()
    let best = results.first { $0.recipe == plan.teacher }?.rows.last?.measures.distance
    var lines = [
      "The classifier is right on \(percent(accuracy)) of test pictures. \(plan.samples) training pictures against the test "
        + "pictures: FD \(fixed(floor.distance, digits: 2)), KID \(fixed(floor.kernelDistance, digits: 2)), precision "
        + "\(fixed(floor.precision, digits: 2)), recall \(fixed(floor.recall, digits: 2)), agreement "
        + "\(percent(floor.agreement)). In brackets, FD over that of \(plan.teacher) at its best.",
      "",
      "| method | learns from | FD, 1 NFE | FD, 2 | FD, 4 | FD, more | KID, 1 NFE | precision, recall, 1 NFE | agreement, 1 NFE "
        + "| steps | minutes | step / flow matching's | parameters |",
      "|" + String(repeating: " --- |", count: 13),
    ]
    for recipe in plan.recipes {
      let own = results.filter { $0.recipe == recipe }
      if !own.isEmpty { lines.append(row(own, best: best)) }
    }
    return lines.joined(separator: "\n") + "\n\n" + straightness(results)
  }

  private func row(_ results: [ComparisonResult], best: Double?) -> String {
    let first = results[0]
    let over = { (digits: Int, value: (ComparisonResult) -> Double?) -> String in
      let values = results.compactMap(value)
      if values.isEmpty { return "" }
      return values.count == 1
        ? fixed(values[0], digits: digits) : plusMinus(ManifoldEvaluation.Spread(values), digits: digits)
    }
    let at = { (result: ComparisonResult, count: Int) in
      result.rows.first { $0.evaluations == count }?.measures
    }
    let ratio = { (value: Double?) -> String in
      guard let value, let best else { return "" }
      return " (\(fixed(value / best, digits: 2)))"
    }
    let mean = { (count: Int) -> Double? in
      let values = results.compactMap { at($0, count)?.distance }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    var cells = [
      "\(first.recipe)\(results.count > 1 ? ", \(results.count) seeds" : "")", first.teacher ?? "",
    ]
    cells += [1, 2, 4].map { n in over(2) { at($0, n)?.distance } + ratio(mean(n)) }
    let most = first.rows.last!.evaluations
    cells.append(most > 4 ? over(2) { at($0, most)?.distance } + ratio(mean(most)) + ", \(most) NFE" : "")
    cells.append(over(2) { at($0, 1)?.kernelDistance })
    cells.append("\(over(2) { at($0, 1)?.precision }), \(over(2) { at($0, 1)?.recall })")
    cells.append(over(2) { at($0, 1)?.agreement })
    cells += ["\(first.steps)", over(1) { $0.seconds / 60 }, over(2) { $0.overhead }, "\(first.parameters)"]
    return "| \(cells.joined(separator: " | ")) |"
  }

  /// How straight the flows are that learn no jumps.
  private func straightness(_ results: [ComparisonResult]) -> String {
    let known = results.filter { $0.seed == 1 }.compactMap { result in
      result.straightness.map { "\(result.recipe) \(fixed($0, digits: 4))" }
    }
    return known.isEmpty
      ? ""
      : "E ∫ |e − x − v|² dt a pixel, 0 for a flow of straight lines: \(known.joined(separator: ", ")).\n"
  }

  private func percent(_ share: Double) -> String { "\(fixed(100 * share, digits: 1)) %" }
}
