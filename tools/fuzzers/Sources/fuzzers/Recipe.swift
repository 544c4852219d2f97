// SPDX-License-Identifier: Apache-2.0

@testable internal import FlowTraining

/// A recipe of any kind, by the keys that it has, and as a comparison and a campaign.
let recipeTarget = Target(
  "recipe",
  seeds: {
    try ["models", "manifolds", "images"].flatMap { try repositoryFiles($0, ending: ".yaml").map(resolved) }
  }
) { bytes in
  let file = ScratchFile(name: "recipe.yaml")
  file.write(bytes)
  do {
    try check(file.path)
  } catch let error as TrainingError {
    expect(error.code == .badRecipe || error.code == .unreadable, "\(error) has the code of a recipe")
    expect(!error.message.isEmpty, "an error has a message")
  } catch {
    fail("broken: \(error) is an error of training")
  }
}

private func check(_ path: String) throws {
  let file = try RecipeFile(path: path)
  switch RecipeKind(file) {
  case .video: try check(file, Recipe(path: path)) { try Recipe(path: $0) }
  case .manifold:
    let recipe = try ManifoldRecipe(path: path)
    _ = try recipe.space()
    try check(file, recipe) { try ManifoldRecipe(path: $0) }
  case .pictures: try check(file, PictureRecipe(path: path)) { try PictureRecipe(path: $0) }
  case .classifier: try check(file, ClassifierRecipe(path: path)) { try ClassifierRecipe(path: $0) }
  }
}

/// The copy of a recipe that training keeps is that recipe.
private func check<Value: Equatable>(_ file: RecipeFile, _ recipe: Value, _ read: (String) throws -> Value)
  throws
{
  let copy = ScratchFile(name: "copy.yaml")
  copy.write(Array(try file.text().utf8))
  expect((try? read(copy.path)) == recipe, "a recipe is kept as it was read")
}

/// A recipe of the repository with what it extends in place.
private func resolved(_ path: String) throws -> [UInt8] { Array(try RecipeFile(path: path).text().utf8) }
