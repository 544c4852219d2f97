// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

/// What is refused, and how it is said.
@Suite("Bad input of pictures")
struct PictureErrorTests {
  private static func refuses(_ said: String..., by body: () throws -> Void) {
    #expect {
      try body()
    } throws: { error in
      guard let error = error as? TrainingError else { return false }
      return said.allSatisfy { error.message.contains($0) }
    }
  }

  @Test(
    "parts that do not go together are named, both of them",
    arguments: [
      ("meanflow", ["objective.target=none"], "target none", "pairs logitNormal"),
      ("flow-matching", ["objective.target=meanFlow"], "target meanFlow", "pairs diagonal"),
      ("meanflow", ["network.head=consistency"], "head consistency", "target meanFlow"),
      ("meanflow", ["network.guidanceInputs=true"], "guidanceInputs", "rule own"),
      ("improved-meanflow", ["network.encoderLayers=1"], "encoderLayers", "conditionTokens"),
      ("improved-meanflow", ["network.head=data"], "velocityHead", "head"),
      ("align-your-flow", ["objective.guidance={ rule: model, weight: 0.5 }"], "guidance", "teacher"),
      ("freeflow", ["teacher.gives=[weights]"], "correction", "velocity"),
      ("scm", ["objective.pairs=triangle"], "continuousConsistency", "pairs triangle"),
      ("meanflow", ["objective.time=discrete"], "time", "pairs logitNormal"),
      ("meanflow", ["objective.splitsAnywhere=true"], "splitsAnywhere", "target meanFlow"),
      ("lsd", ["objective.difference=0.01"], "difference", "target lagrangian"),
      ("decoupled-meanflow", ["objective.guidance.weight=1.5"], "guidance.weight", "below 1"),
    ] as [(String, [String], String, String)])
  func combinations(name: String, settings: [String], first: String, second: String) {
    Self.refuses(first, second) {
      _ = try PictureRecipe(path: "\(PictureWorkshop.recipes)/\(name).yaml", settings: settings)
    }
  }

  @Test("a part that there is none of is named, with those that there are")
  func unknown() {
    Self.refuses("objective.target", "medianFlow", "meanFlow") {
      _ = try PictureRecipe(
        path: "\(PictureWorkshop.recipes)/meanflow.yaml", settings: ["objective.target=medianFlow"])
    }
    Self.refuses("objective.tarpit") {
      _ = try PictureRecipe(
        path: "\(PictureWorkshop.recipes)/meanflow.yaml", settings: ["objective.tarpit=1"])
    }
  }

  @Test("a recipe that extends itself is refused")
  func circle() throws {
    try withFolder { folder in
      try "extends: a.yaml\nname: a\n".write(toFile: "\(folder)/a.yaml", atomically: true, encoding: .utf8)
      Self.refuses("a.yaml", "extends") { _ = try PictureRecipe(path: "\(folder)/a.yaml") }
    }
  }

  @Test("files of pictures that are cut, or no such files, or do not agree, are named")
  func files() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder), images = "\(folder)/images/fashion-mnist"
      _ = workshop
      let path = "\(images)/train-images-idx3-ubyte.gz", whole = try bytes(of: path)
      let read = { _ = try PictureSet(folder: images) }
      try read()
      for (damaged, said) in [
        (Array(whole.dropLast(5)), "truncated"), (Array(whole.prefix(9)), "header"),
        ([UInt8]("no".utf8), "no IDX file"),
        ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3], "tools/get-data"),
      ] {
        try Data(damaged).write(to: URL(filePath: path))
        Self.refuses(path, said, by: read)
      }
      try FileManager.default.removeItem(atPath: path)
      Self.refuses(path, "cannot be read", by: read)
      try PictureWorkshop.write([UInt8](repeating: 0, count: 2 * 784), extents: [2, 28, 28], to: path)
      Self.refuses("labels", by: read)
    }
  }

  @Test("a teacher that is not trained, or of another shape, is named")
  func teachers() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      Self.refuses("train the teacher first") { _ = try workshop.pipeline("scm") }
      try workshop.trainTeachers(of: "scm")
      _ = try workshop.pipeline("scm")
      Self.refuses("patch_embedding.weight", "[8, 16]", "[16, 16]") {
        _ = try workshop.pipeline("scm", ["network.width=16"])
      }
      Self.refuses("head is velocity", "trigonometric") {
        _ = try workshop.pipeline("scm", ["network.head=trigonometric"])
      }
      let base = "\(folder)/recipes/base.yaml"
      let text = try String(contentsOfFile: base, encoding: .utf8)
      try text.replacingOccurrences(of: "width: 8", with: "width: 16")
        .write(toFile: base, atomically: true, encoding: .utf8)
      #expect {
        try workshop.pipeline("scm")
      } throws: {
        "\($0)".contains("network.patch_embedding.weight")
      }
    }
  }

  @Test("a classifier that is named and not there is an error, one that is not named is none")
  func classifier() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      #expect(throws: (any Error).self) {
        try workshop.pipeline("meanflow", ["classifier=nobody.safetensors"])
      }
      let judge = try workshop.pipeline("meanflow").judge
      #expect(judge == nil)
      Self.refuses("no classifier") {
        _ = try workshop.pipeline("meanflow").measure(evaluations: [1], samples: 10, progress: .silent)
      }
    }
  }

  @Test("a comparison does not know recipes that it does not list")
  func comparison() throws {
    let path = "\(PictureWorkshop.recipes)/comparison.yaml"
    let comparison = try Comparison(path: path, runs: "/nowhere", data: nil)
    Self.refuses("menflow", "meanflow") {
      try comparison.run(only: ["menflow"], progress: .silent) { _ in }
    }
  }

  @Test("a run of another recipe is not gone on with")
  func otherRecipe() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      try workshop.pipeline("flow-matching").train(until: 2, progress: .silent)
      Self.refuses("another recipe") {
        try workshop.pipeline("flow-matching", ["optimiser.rate=0.5"]).train(progress: .silent)
      }
    }
  }

  @Test("a file of pictures that inflates to more than there may be is refused while it is read")
  func inflated() throws {
    try withFolder { folder in
      let path = "\(folder)/a.idx"
      try Data([0, 0, 8, 1, 0, 0, 0, 92] + [UInt8](repeating: 7, count: 92)).write(to: URL(filePath: path))
      #expect(try IDXFile(path: path, mostBytes: 100).bytes.count == 92)
      Self.refuses("a.idx", "99") { _ = try IDXFile(path: path, mostBytes: 99) }
    }
  }

  @Test(
    "a recipe that asks for more than a recipe has is refused",
    arguments: [
      ("extends: ../../../../../../../../dev/zero", "regular file"), ("name: .nan", "finite"),
      ("name: [1, { a: -.inf }]", "finite"),
      ("a: &a [x, x]\nb: [\(String(repeating: "*a, ", count: 9))]", "aliases"),
      ("name: \(String(repeating: "x", count: 1 << 20))", "bytes"),
    ])
  func tooMuch(text: String, words: String) throws {
    try withFolder { folder in
      try text.write(toFile: "\(folder)/a.yaml", atomically: true, encoding: .utf8)
      Self.refuses("recipe", words) { _ = try PictureRecipe(path: "\(folder)/a.yaml") }
    }
  }
}
