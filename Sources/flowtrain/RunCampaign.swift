// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain campaign`.
struct RunCampaign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "campaign",
    abstract: "Trains and evaluates every method of every recipe with every seed, going on where it stopped.")

  @Argument(help: "The campaign, such as manifolds/campaign.yaml.")
  var campaign: String

  @Option(help: "Where checkpoints and results go.")
  var runs: String = "runs/campaign"

  @Option(help: "Where data are, by default $FLOW_DATA or data.")
  var data: String?

  @Option(
    help: "A Markdown file; the tables replace what is between its two lines that say <!-- campaign -->.")
  var table: String?

  @Flag(help: "Train nothing; make the tables of the results that are there.")
  var onlyTable = false

  func run() throws {
    let campaign = try Campaign(path: campaign, runs: runs, data: data)
    if onlyTable {
      try show(campaign, campaign.results())
    } else {
      try campaign.run(progress: .standardError) { try write(campaign, $0) }
      try show(campaign, campaign.results())
    }
  }

  private func show(_ campaign: Campaign, _ results: [CampaignResult]) throws {
    print(campaign.markdown(results))
    try write(campaign, results)
  }

  private func write(_ campaign: Campaign, _ results: [CampaignResult]) throws {
    if let table { try replaceTable(in: table, marker: "campaign", with: campaign.markdown(results)) }
  }
}
