// SPDX-License-Identifier: Apache-2.0

/// What a recipe makes, seen by the keys that it has.
enum RecipeKind {
  case video, manifold, pictures, classifier

  init(_ file: RecipeFile) {
    self =
      file.has("manifold")
      ? .manifold : !file.has("pictures") ? .video : file.has("objective") ? .pictures : .classifier
  }
}

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

  /// Reads a recipe and its data; `data` defaults to `$FLOW_DATA`, then `data`. Throws ``TrainingError``.
  public init(recipePath path: String, settings: [String] = [], runs: String, data: String?) throws {
    switch RecipeKind(try RecipeFile(path: path)) {
    case .video:
      self = .video(try Pipeline(recipePath: path, settings: settings, runs: runs, data: data))
    case .manifold:
      self = .manifold(try ManifoldPipeline(recipePath: path, settings: settings, runs: runs, data: data))
    case .pictures:
      self = .pictures(try PicturePipeline(recipePath: path, settings: settings, runs: runs, data: data))
    case .classifier:
      self = .classifier(try ClassifierPipeline(recipePath: path, settings: settings, runs: runs, data: data))
    }
  }

  /// A recipe as YAML, with what it extends and its settings in place, checked but for its data. Throws ``TrainingError``.
  public static func resolved(recipePath path: String, settings: [String]) throws -> String {
    let file = try RecipeFile(path: path, settings: settings)
    switch RecipeKind(file) {
    case .video: _ = try Recipe(path: path, settings: settings)
    case .manifold: _ = try ManifoldRecipe(path: path, settings: settings).space()
    case .pictures: _ = try PictureRecipe(path: path, settings: settings)
    case .classifier: _ = try ClassifierRecipe(path: path, settings: settings)
    }
    return try file.text()
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
    RecipeKind(try RecipeFile(path: recipePath)) == .manifold
  }
}
