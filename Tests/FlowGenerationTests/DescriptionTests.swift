// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowTensor
import FlowTestSupport
import Foundation
import Testing

@Suite("What bundles say before they are loaded")
struct DescriptionTests {
  @Test(
    "a bundle is described as the model that is loaded from it",
    arguments: InferencePrecision.allCases + [nil])
  func same(precision: InferencePrecision?) throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("film", in: folder.path)
    try writeTinyManifold("globe", in: folder.path)
    let film = "\(folder.path)/film", globe = "\(folder.path)/globe/"
    let video = try VideoBundle.describe(folder: film, precision: precision)
    let map = try ManifoldBundle.describe(folder: globe, precision: precision)
    #expect(try video == CausalVideoModel(folder: film, precision: precision).description)
    #expect(try map == FlowMapModel(folder: globe, precision: precision).description)
    #expect(video.name == "film" && video.sha256.count == 64 && map.name == "globe" && map.sha256.count == 64)
    for (path, count) in [(film, video.weightsByteCount), (globe, map.weightsByteCount)] {
      #expect(try Data(contentsOf: URL(filePath: "\(path)/weights.safetensors")).count == count)
    }
  }

  @Test(
    "describing reads no tensor: a damaged one is found by loading alone", arguments: ["model", "manifold"])
  func damaged(kind: String) throws {
    let folder = try TemporaryFolder()
    try write(kind, in: folder)
    let weights = URL(filePath: "\(folder.path)/a/weights.safetensors")
    var bytes = try Data(contentsOf: weights)
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: weights)
    try describe(kind, folder)
    let error = #expect(throws: BundleError.self) { try load(kind, folder) }
    #expect(error?.code == .badWeights)
    // What is not whole is seen in the header.
    try bytes.dropLast(4).write(to: weights)
    let short = #expect(throws: BundleError.self) { try describe(kind, folder) }
    #expect(short?.code == .badWeights && short?.message.contains("weights.safetensors") == true)
    try FileManager.default.removeItem(at: weights)
    #expect(throws: BundleError.self) { try describe(kind, folder) }
  }

  @Test(
    "a broken manifest says what is wrong",
    arguments: [
      ("model", "\"window\" : 4", "\"window\" : 0", "transformer.window"),
      ("model", "\"defaultSteps\" : 1", "\"defaultSteps\" : 3", "defaultSteps"),
      ("model", "\"summary\"", "\"sumary\"", "summary"),
      ("manifold", "sphere(2)", "klein(2)", "klein"),
      ("manifold", "\"width\" : 16", "\"width\" : 1000000000", "network.width"),
      ("manifold", "{", "[", "manifold manifest"),
    ])
  func broken(kind: String, old: String, new: String, word: String) throws {
    let folder = try TemporaryFolder()
    try write(kind, in: folder)
    try edit("\(folder.path)/a/\(kind).json", old, new)
    let error = #expect(throws: BundleError.self) { try describe(kind, folder) }
    #expect(error?.code == .badManifest && error?.message.contains("\(kind).json") == true)
    #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
  }

  @Test("a manifest of a time without digests has none until it is loaded; one of other weights is refused")
  func recorded() throws {
    let folder = try TemporaryFolder()
    try write("model", in: folder)
    let bundle = "\(folder.path)/a", digest = try VideoBundle.describe(folder: bundle).sha256
    let manifest = "\(bundle)/model.json"
    try edit(manifest, digest, String(digest.reversed()))
    let error = #expect(throws: BundleError.self) { try VideoBundle(folder: bundle) }
    #expect(error?.code == .badWeights && error?.message.contains(digest) == true)
    try edit(manifest, ",\n  \"weights\" : \"\(String(digest.reversed()))\"", "")
    #expect(try VideoBundle.describe(folder: bundle).sha256.isEmpty)
    #expect(try CausalVideoModel(folder: bundle).description.sha256 == digest)
  }

  @Test("the bytes of a stream of points are known before it is opened", arguments: [false, true])
  func points(wantsTrajectory: Bool) throws {
    let model = FlowMapModel(try tinyManifold("a"))
    let options = PointStreamOptions(
      seed: 1, walk: PointWalk(evaluations: 5), count: 2, batch: 2, wantsTrajectory: wantsTrajectory,
      start: [1, 0, 0, 0, 1, 0])
    #expect(model.makeStream(options).byteCount == model.description.byteCount(of: options))
    #expect(model.description.byteCount(of: options) == (wantsTrajectory ? 4 * 36 : 4 * 6) + 4 * 6)
  }

  private func write(_ kind: String, in folder: TemporaryFolder) throws {
    try kind == "model" ? writeTinyBundle("a", in: folder.path) : writeTinyManifold("a", in: folder.path)
  }

  private func describe(_ kind: String, _ folder: TemporaryFolder) throws {
    if kind == "model" {
      _ = try VideoBundle.describe(folder: "\(folder.path)/a")
    } else {
      _ = try ManifoldBundle.describe(folder: "\(folder.path)/a")
    }
  }

  private func load(_ kind: String, _ folder: TemporaryFolder) throws {
    if kind == "model" {
      _ = try CausalVideoModel(folder: "\(folder.path)/a")
    } else {
      _ = try FlowMapModel(folder: "\(folder.path)/a")
    }
  }

  private func edit(_ path: String, _ old: String, _ new: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.contains(old), "\(text)")
    try text.replacingOccurrences(of: old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
  }
}
