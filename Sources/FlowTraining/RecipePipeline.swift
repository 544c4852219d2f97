// SPDX-License-Identifier: Apache-2.0

/// The training of a recipe of any kind.
public enum RecipePipeline {
  /// A video model in three stages.
  case video(Pipeline)
  /// A flow map on a manifold.
  case manifold(ManifoldPipeline)
  /// A generator of small pictures.
  case pictures(PicturePipeline)
  /// A classifier of small pictures.
  case classifier(ClassifierPipeline)

  /// Reads a recipe: which kind it is, is seen by what it names.
  public init(
    recipePath: String, settings: [String] = [], runs: String, data: String?, progress: Progress = .silent
  ) throws {
    let file = try RecipeFile(path: recipePath)
    if file.has("manifold") {
      self = .manifold(
        try ManifoldPipeline(recipePath: recipePath, settings: settings, runs: runs, data: data))
    } else if file.has("classifier"), !file.has("objective") {
      self = .classifier(
        try ClassifierPipeline(recipePath: recipePath, settings: settings, runs: runs, data: data))
    } else if file.has("pictures") {
      self = .pictures(
        try PicturePipeline(
          recipePath: recipePath, settings: settings, runs: runs, data: data, progress: progress))
    } else {
      self = .video(try Pipeline(recipePath: recipePath, settings: settings, runs: runs, data: data))
    }
  }

  /// The recipe as YAML, with what it extends and its settings in place.
  public func resolvedRecipe() throws -> String {
    switch self {
    case .video(let pipeline): try pipeline.resolvedRecipe()
    case .manifold(let pipeline): try pipeline.resolvedRecipe()
    case .pictures(let pipeline): try pipeline.resolvedRecipe()
    case .classifier(let pipeline): try pipeline.resolvedRecipe()
    }
  }

  /// Whether there is a checkpoint to go on from.
  public var hasBegun: Bool {
    switch self {
    case .video(let pipeline): pipeline.hasBegun
    case .manifold(let pipeline): pipeline.hasBegun
    case .pictures(let pipeline): pipeline.hasBegun
    case .classifier(let pipeline): pipeline.hasBegun
    }
  }

  /// Whether a recipe is one of a flow map on a manifold.
  public static func isManifold(_ recipePath: String) throws -> Bool {
    try RecipeFile(path: recipePath).has("manifold")
  }
}
