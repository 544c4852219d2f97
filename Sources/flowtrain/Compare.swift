// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain compare`.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains and measures recipes of pictures, going on where it stopped, and prints one table.")

  @Argument(help: "The comparison, such as images/fashion-mnist/comparison.yaml.")
  var comparison: String

  @Option(help: "Where checkpoints and results go.")
  var runs: String = "runs/comparison"

  @Option(help: "Where data are, by default $FLOW_DATA or data.")
  var data: String?

  @Option(help: "Train and measure this recipe only; may be repeated.")
  var only: [String] = []

  @Option(
    help: "A Markdown file; the table replaces what is between its two lines that say <!-- comparison -->.")
  var table: String?

  @Option(help: "An SVG file for a picture: a row of samples a method.")
  var picture: String?

  @Flag(help: "Measure all finished trainings again, when nothing else runs.")
  var measureAgain = false

  @Flag(help: "Train nothing; make the table and the picture of the results that are there.")
  var onlyTable = false

  func run() throws {
    let comparison = try Comparison(path: comparison, runs: runs, data: data)
    if !onlyTable { try comparison.run(only: only, progress: .standardError) { _ in } }
    if measureAgain { try comparison.measureAgain(progress: .standardError) }
    let results = try comparison.results(), text = try comparison.markdown(results)
    print(text)
    if let table { try replaceTable(in: table, marker: "comparison", with: text) }
    if let picture { try comparison.draw(results, to: picture) }
  }
}
