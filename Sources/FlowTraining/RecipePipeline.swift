// SPDX-License-Identifier: Apache-2.0

/// The training of a recipe of either kind.
public enum RecipePipeline {
  /// A video model in three stages.
  case video(Pipeline)
  /// A flow map on a manifold.
  case manifold(ManifoldPipeline)

  /// Reads a recipe: one that names a manifold is of the second kind.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    self =
      try Self.isManifold(recipePath)
      ? .manifold(ManifoldPipeline(recipePath: recipePath, settings: settings, runs: runs, data: data))
      : .video(Pipeline(recipePath: recipePath, settings: settings, runs: runs, data: data))
  }

  /// Whether a recipe is one of a flow map on a manifold.
  public static func isManifold(_ recipePath: String) throws -> Bool {
    try RecipeFile(path: recipePath).has("manifold")
  }
}
