// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining
internal import Glibc

/// Trains, evaluates and packs models.
@main
struct FlowTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flowtrain", abstract: "Trains, evaluates and packs flowd's models.",
    discussion: """
      Exit codes: 0 done; 1 the training, the recipe or a file is at fault, which the message names; 64 wrong usage; 130 \
      interrupted, all saved: the same command goes on.
      """,
    version: "flowtrain 0.1.0",
    subcommands: [
      Recipes.self, Train.self, Resume.self, Distill.self, Evaluate.self, Sample.self, Pack.self,
      RunCampaign.self,
      Compare.self,
    ])

  static func main() {
    Interruption.watch()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as TrainingError where error.code == .interrupted {
      Progress.standardError.note("flowtrain: \(error)")
      Glibc.exit(130)
    } catch {
      exit(withError: error)
    }
  }
}
