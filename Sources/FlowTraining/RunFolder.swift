// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FoundationEssentials

/// The folder of a training, with the recipe that it was begun with.
struct RunFolder {
  /// Where it is.
  let path: String
  private let recipePath: String
  private let settings: [String]

  /// The folder of a recipe with settings in place.
  init(_ path: String, recipePath: String, settings: [String]) {
    (self.path, self.recipePath, self.settings) = (path, recipePath, settings)
  }

  /// The last checkpoint. Throws ``TrainingError`` if there is none.
  func checkpoint() throws -> String {
    guard hasCheckpoint else {
      throw TrainingError(.badCheckpoint, "\(checkpointPath) is not there; train the recipe first")
    }
    return checkpointPath
  }

  /// Whether there is a checkpoint to go on from.
  var hasCheckpoint: Bool { FileManager.default.fileExists(atPath: checkpointPath) }

  private var checkpointPath: String { TrainingRun.checkpointPath(path) }
  private var runRecipePath: String { "\(path)/recipe.yaml" }

  /// Throws ``TrainingError`` if the run was begun by a recipe that trains otherwise.
  ///
  /// - Parameter trainsAlike: whether a checkpoint by the recipe in a file goes on under this one.
  func check(remedy: String, _ trainsAlike: (_ path: String) throws -> Bool) throws {
    guard FileManager.default.fileExists(atPath: runRecipePath) else { return }
    guard try trainsAlike(runRecipePath) else {
      throw TrainingError(
        .badCheckpoint, "\(path) was begun by another recipe, \(runRecipePath); \(remedy)")
    }
  }

  /// Checks the folder and writes the recipe into it, before anything else is.
  func claim(_ trainsAlike: (_ path: String) throws -> Bool) throws {
    try check(remedy: "train in another --runs folder, or remove it to begin anew", trainsAlike)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try AtomicFile.write(
      Array(RecipeFile(path: recipePath, settings: settings).text().utf8), to: runRecipePath)
  }
}
