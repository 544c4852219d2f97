// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Foundation

@testable import FlowTraining

/// Small pictures in files, the shipped recipes made small, and trainings of them in a folder.
struct PictureWorkshop {
  static let recipes = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../images/fashion-mnist").standardizedFileURL.path()
  /// The shipped recipes of generators by name.
  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: recipes)) ?? [])
    .filter { $0.hasSuffix(".yaml") && !["base.yaml", "classifier.yaml", "comparison.yaml"].contains($0) }
    .map { String($0.dropLast(5)) }.sorted()

  let folder: String

  /// Writes 200 pictures of 28×28 in ten classes to learn and 100 to judge, and a classifier that has learnt nothing.
  init(_ folder: String) throws {
    self.folder = folder
    let images = "\(folder)/images/fashion-mnist"
    try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
    for (name, count) in [("train", 200), ("t10k", 100)] {
      var random = Random(key: UInt64(count))
      let pixels = random.uniforms(count * 784).enumerated().map { place, draw in
        // A bar whose place says the class.
        UInt8(place % 28 / 3 == place / 784 % 10 ? 200 + 50 * draw : 20 * draw)
      }
      try Self.write(pixels, extents: [count, 28, 28], to: "\(images)/\(name)-images-idx3-ubyte.gz")
      try Self.write(
        (0..<count).map { UInt8($0 % 10) }, extents: [count], to: "\(images)/\(name)-labels-idx1-ubyte.gz")
    }
  }

  static func write(_ bytes: [UInt8], extents: [Int], to path: String) throws {
    let header: [UInt8] = [0, 0, 8, UInt8(extents.count)]
    let sizes = extents.flatMap { extent in (0..<4).map { UInt8(extent >> (8 * (3 - $0)) & 255) } }
    try Data(header + sizes + bytes).write(to: URL(filePath: path))
  }

  /// Settings that make a training one of seconds.
  static let small = [
    "network.width=8", "network.layers=2", "network.heads=1", "batch=8", "optimiser.steps=4",
    "optimiser.warmup=1",
    "optimiser.report=100", "classifier=null",
  ]

  func pipeline(_ name: String, _ settings: [String] = [], runs: String = "runs") throws -> PicturePipeline {
    var small = Self.small
    let recipe = try PictureRecipe(path: "\(Self.recipes)/\(name).yaml")
    if let encoder = recipe.network.encoderLayers { small.append("network.encoderLayers=\(min(1, encoder))") }
    if recipe.teacher?.gives.contains(.pairs) == true { small += ["teacher.count=32", "teacher.steps=2"] }
    return try PicturePipeline(
      recipePath: try copy(name), settings: small + settings, runs: "\(folder)/\(runs)", data: folder)
  }

  /// The recipe in a folder where those that it names are small, too.
  private func copy(_ name: String) throws -> String {
    let place = "\(folder)/recipes"
    if !FileManager.default.fileExists(atPath: place) {
      try FileManager.default.copyItem(atPath: Self.recipes, toPath: place)
      let base = "\(place)/base.yaml"
      let text = try String(contentsOfFile: base, encoding: .utf8)
        .replacingOccurrences(of: "width: 96, layers: 5, heads: 3", with: "width: 8, layers: 2, heads: 1")
      try text.write(toFile: base, atomically: true, encoding: .utf8)
    }
    return "\(place)/\(name).yaml"
  }

  /// Trains the teachers that a recipe wants.
  func trainTeachers(of name: String) throws {
    let teacher = try PictureRecipe(path: "\(Self.recipes)/\(name).yaml").teacher
    for each in [teacher?.recipe, teacher?.weak].compactMap({ $0 }) {
      try trainTeachers(of: each)
      try pipeline(each).train(progress: .silent)
    }
  }
}
