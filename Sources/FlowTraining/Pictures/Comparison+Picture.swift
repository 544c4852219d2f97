// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowTensor
internal import FlowVideo
internal import FoundationEssentials

extension Comparison {
  /// Draws a row of pictures a method, two of each class, of the same noise and by one evaluation, as an SVG with the names
  /// beside them; true pictures stand above, and the teacher's by all its evaluations below them.
  public func draw(_ results: [ComparisonResult], to path: String) throws {
    let teacher = Member(recipe: plan.teacher, seed: 1)
    let pictures = try pipeline(teacher).pictures
    let labels = (0..<2 * pictures.classes).map { Int32($0 / 2) }
    var rows: [(name: String, pictures: Tensor)] = []
    let known = results.filter { $0.seed == 1 }
    var real: [Int] = []
    for label in labels {
      real.append(
        pictures.test.labels.indices.first { pictures.test.labels[$0] == label && !real.contains($0) }!)
    }
    rows.append(("true", pictures.test.pictures(real)))
    for result in known {
      let pipeline = try pipeline(Member(recipe: result.recipe, seed: 1)), sampler = try pipeline.sampler()
      if result.recipe == plan.teacher {
        let most = result.rows.last!.evaluations
        rows.append(("\(result.recipe), \(most)", sampler.sample(labels, evaluations: most, seed: 3)))
      }
      rows.append((result.recipe, sampler.sample(labels, evaluations: 1, seed: 3)))
    }
    try AtomicFile.write(Array(try svg(rows).utf8), to: path)
  }

  private func svg(_ rows: [(name: String, pictures: Tensor)]) throws -> String {
    let sheet = SampleSheet.grey(rows: rows.map(\.pictures)), png = try sheet.png()
    let (height, width) = (rows[0].pictures.shape[1], rows[0].pictures.shape[2] * rows[0].pictures.shape[0])
    let margin = 190, whole = height * rows.count
    let names = rows.enumerated().map { index, row in
      "<text x=\"\(margin - 8)\" y=\"\(index * height + height * 2 / 3)\" text-anchor=\"end\">\(row.name)</text>"
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(margin + width)" height="\(whole)" font-family="sans-serif" \
      font-size="14">
      <rect width="100%" height="100%" fill="white"/>
      \(names.joined(separator: "\n"))
      <image x="\(margin)" y="0" width="\(width)" height="\(whole)" href="data:image/png;base64,\
      \(Data(png).base64EncodedString())"/>
      </svg>

      """
  }
}
