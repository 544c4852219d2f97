// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain recipes`.
struct Recipes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the recipes in some folders, and what each makes.")

  @Argument(help: "Folders to look in.")
  var folders: [String] = ["images", "manifolds", "models"]

  func run() throws {
    for entry in RecipeList(folders: folders).entries {
      print("\(entry.path)\n    \(entry.summary)")
    }
  }
}
