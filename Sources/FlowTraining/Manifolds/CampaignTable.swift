// SPDX-License-Identifier: Apache-2.0

/// The results of a campaign as Markdown: a table a recipe.
extension Campaign {
  /// What a table's columns are, by network evaluations.
  private static let columns = [1, 2, 4, 8, 32, 100]

  /// The tables of all recipes that have results.
  public func markdown(_ results: [CampaignResult]) -> String {
    plan.recipes.compactMap { recipe in
      let own = results.filter { $0.recipe == recipe }
      return own.isEmpty ? nil : table(recipe, own)
    }.joined(separator: "\n")
  }

  private func table(_ recipe: String, _ results: [CampaignResult]) -> String {
    let first = results[0].evaluation, isTorus = first.rows[0].perCoordinate != nil
    let reference = { (name: String) in first.rows.first { $0.sampler == name }! }
    let floor = reference("floor"), prior = reference("prior")
    var lines = [
      "### \(recipe): \(first.manifold), \(first.testPoints) test points",
      "",
      "Training points against test points \(plusMinus(floor.biased, digits: 3)), prior "
        + "\(fixed(prior.biased.mean, digits: 3))"
        + (floor.perCoordinate.map { ", per coordinate \(plusMinus($0, digits: 3))" } ?? "")
        + "; NLL of the prior \(fixed(first.priorNegativeLogLikelihood, digits: 3)).",
      "",
      "| method | " + Self.columns.map { "MMD \($0) NFE" }.joined(separator: " | ")
        + " | MMD²·10⁴ unbiased, 1 NFE" + (isTorus ? " | per coordinate, 1 NFE" : "")
        + " | published, 1 NFE | NLL, nats | diagonal loss | steps/s | skipped |",
      "|" + String(repeating: " --- |", count: Self.columns.count + (isTorus ? 8 : 7)),
    ]
    for method in plan.methods {
      let own = results.filter { $0.method == method.name }
      if own.isEmpty { continue }
      let sampler = own[0].evaluation.rows.contains { $0.sampler == "euler" } ? "euler" : "jumps"
      lines.append(row(method.name, recipe, own, sampler: sampler, isTorus: isTorus))
      if sampler == "euler" {
        lines.append(
          row("\(method.name), end of step", recipe, own, sampler: "eulerAtEnd", isTorus: isTorus))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(
    _ name: String, _ recipe: String, _ results: [CampaignResult], sampler: String, isTorus: Bool
  ) -> String {
    let over = { (value: (CampaignResult) -> Double?) -> String? in
      let values = results.compactMap(value)
      return values.count < results.count ? nil : plusMinus(ManifoldEvaluation.Spread(values), digits: 3)
    }
    let at = { (result: CampaignResult, evaluations: Int) in
      result.evaluation.rows.first { $0.sampler == sampler && $0.evaluations == evaluations }
    }
    var cells = [name]
    cells += Self.columns.map { n in over { at($0, n)?.biased.mean } ?? "" }
    let squares = results.compactMap { at($0, 1).map { $0.unbiasedSquare.mean * 1e4 } }
    cells.append(plusMinus(ManifoldEvaluation.Spread(squares), digits: 1))
    if isTorus { cells.append(over { at($0, 1)?.perCoordinate?.mean } ?? "") }
    let floor = results[0].evaluation.rows[0], noise = (floor.perCoordinate ?? floor.biased).mean
    cells.append(
      plan.published?[recipe]?[name].map { "\($0)" + ($0 < noise ? ", below the floor" : "") } ?? "")
    let isOwn = sampler != "eulerAtEnd"
    cells.append(isOwn ? over { $0.evaluation.negativeLogLikelihood } ?? "" : "")
    cells.append(isOwn ? over { $0.diagonal } ?? "" : "")
    cells.append(isOwn ? "\(Int(results.map(\.stepsPerSecond).max() ?? 0))" : "")
    cells.append(isOwn ? "\(results.reduce(0) { $0 + $1.skipped })" : "")
    return "| " + cells.joined(separator: " | ") + " |"
  }
}
