// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// Trains, evaluates and packs models.
@main
struct FlowTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flowtrain", abstract: "Trains, evaluates and packs flowd's models.",
    version: "flowtrain 0.1.0",
    subcommands: [Train.self, Evaluate.self, Sample.self, Pack.self, RunCampaign.self, Compare.self])
}
