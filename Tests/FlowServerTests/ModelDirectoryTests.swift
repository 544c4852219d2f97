// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowServer
import FlowTestSupport
import Foundation
import Testing

@Suite("Folders of models")
struct ModelDirectoryTests {
  /// Both kinds of models in one folder, none of which can be loaded.
  private func directories(_ path: String) -> ModelDirectories {
    ModelDirectories([
      ModelDirectory(path, manifest: VideoBundle.manifestName) { folder in
        .video(try VideoBundle.describe(folder: folder))
      } load: { _ in
        throw BrokenBundle()
      },
      ModelDirectory(path, manifest: ManifoldBundle.manifestName) { folder in
        .manifold(try ManifoldBundle.describe(folder: folder))
      } load: { _ in
        throw BrokenBundle()
      },
    ])
  }

  @Test("models of either kind are described without being loaded")
  func describe() throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("film", in: folder.path)
    try writeTinyManifold("globe", in: folder.path)
    let catalogue = directories(folder.path)
    #expect(catalogue.names() == ["film", "globe"])
    for name in catalogue.names() {
      let model = try catalogue.describe(name)
      #expect(model.sha256.count == 64 && model.weightsByteCount > 1000 && model.residentBytes > 1000)
      #expect(throws: BrokenBundle.self) { try catalogue.load(name) }
    }
    guard case .video(let film) = try catalogue.describe("film"),
      case .manifold(let globe) = try catalogue.describe("globe")
    else {
      Issue.record("a model is described as one of another kind")
      return
    }
    #expect(film.actions == ["stay", "left"] && globe.geometry.name == "sphere(2)")
  }

  @Test("a name that is gone, or that two models have, says which folders")
  func ambiguous() throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("one", in: folder.path)
    try writeTinyManifold("one", in: folder.path)
    let catalogue = directories(folder.path)
    let error = #expect(throws: (any Error).self) { try catalogue.describe("one") }
    #expect("\(error!)".contains("\(folder.path)/one") && "\(error!)".contains("rename one"))
    let gone = #expect(throws: (any Error).self) { try catalogue.describe("two") }
    #expect("\(gone!)".contains("two") && "\(gone!)".contains(folder.path))
  }
}
