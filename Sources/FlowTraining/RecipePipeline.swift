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

  /// Whether a recipe is one of a flow map on a manifold.
  public static func isManifold(_ recipePath: String) throws -> Bool {
    try RecipeFile(path: recipePath).has("manifold")
  }
}
