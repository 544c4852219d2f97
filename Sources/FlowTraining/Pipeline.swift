// SPDX-License-Identifier: Apache-2.0

internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials
internal import Glibc

/// The stages of a recipe in order, each in a folder under `runs/NAME`.
public struct Pipeline {
  /// A stage by name.
  public enum Stage: String, Sendable, CaseIterable {
    case autoencoder, teacher, student
  }

  private let recipe: Recipe
  private let folder: String
  private let data: String

  /// Reads a recipe; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, runs: String, data: String?) throws {
    recipe = try Recipe(path: recipePath)
    folder = "\(runs)/\(recipe.name)"
    self.data = data ?? getenv("FLOW_DATA").map { String(cString: $0) } ?? "data"
  }

  /// Trains one stage, or all of them.
  public mutating func train(_ stage: Stage?, until limit: Int?, progress: Progress) throws {
    for each in stage.map({ [$0] }) ?? Stage.allCases {
      var run = try run(each)
      try run.train(until: limit ?? .max, progress: progress)
    }
  }

  private func run(_ stage: Stage) throws -> TrainingRun {
    switch stage {
    case .autoencoder:
      let stage = try AutoencoderStage(
        recipe.autoencoder, training: recording("train"), validation: recording("validation"))
      return try TrainingRun(stage, folder: "\(folder)/autoencoder")
    default: fatalError()
    }
  }

  private func recording(_ part: String) throws -> Recording {
    try Recording(path: "\(data)/\(recipe.recording)/\(part).safetensors")
  }
}
