// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowTensor
import FlowTestSupport
import Foundation
import Testing

@Suite("Bundles of flow maps")
struct ManifoldBundleTests {
  @Test("what is written is read back", arguments: ["sphere(2)", "torus(7)", "product(so(3),euclidean(3))"])
  func roundTrip(geometry: String) throws {
    let folder = try TemporaryFolder()
    let written = try tinyManifold("a", geometry: geometry)
    try written.write(to: "\(folder.path)/a")
    let read = try ManifoldBundle(folder: "\(folder.path)/a")
    #expect(read.name == "a" && read.sha256.count == 64 && read.manifest.weights == read.sha256)
    #expect(read.geometry == written.geometry && read.manifest.network == written.manifest.network)
    #expect(zip(read.weights, written.weights).allSatisfy { $0.elements == $1.elements })
    let walk = PointWalk(evaluations: 2)
    #expect(
      PointSampler(read).sample(50, seed: 3, walk).elements
        == PointSampler(written).sample(50, seed: 3, walk).elements)
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    let change: (old: String, new: String)
    let code: BundleError.Code
    let word: String
    var testDescription: String { "\(change.old) to \(change.new)" }
    init(_ old: String, _ new: String, _ code: BundleError.Code, _ word: String) {
      (change, self.code, self.word) = ((old, new), code, word)
    }
  }

  @Test(
    "a manifest that does not fit its geometry or its weights is refused, and the message says which",
    arguments: [
      Damage(
        "sphere(2)", "torus(7)", .badManifest, "network.input has 3 numbers, and a point of torus(7) has 7"),
      // Points of as many numbers, on another manifold.
      Damage("sphere(2)", "euclidean(3)", .badWeights, "made for the geometry 'sphere(2)'"),
      Damage("sphere(2)", "sphere(2", .badManifest, "geometry"),
      Damage("sphere(2)", "klein(2)", .badManifest, "klein"),
      Damage("\"width\" : 16", "\"width\" : 17", .badWeights, "hidden.0.weight"),
      Damage("\"width\" : 16", "\"width\" : 1000000000", .badManifest, "network.width"),
      Damage("flow-manifold-1", "flow-manifold-9", .badManifest, "flow-manifold-9"),
      Damage("data at 0, prior at 1", "data at 1, prior at 0", .badManifest, "time"),
      Damage("\"maximumEvaluations\" : 1000", "\"maximumEvaluations\" : 0", .badManifest, "evaluations"),
      Damage("\"weights\" : \"", "\"weights\" : \"0", .badWeights, "digest"),
      Damage("{", "[", .badManifest, "manifold manifest"),
    ])
  func damaged(damage: Damage) throws {
    let folder = try TemporaryFolder()
    try writeTinyManifold("a", in: folder.path)
    let path = "\(folder.path)/a/manifold.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.contains(damage.change.old), "\(text)")
    try text.replacingOccurrences(of: damage.change.old, with: damage.change.new)
      .write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: BundleError.self) { try ManifoldBundle(folder: "\(folder.path)/a") }
    #expect(error?.code == damage.code)
    #expect(error?.message.contains(damage.word) == true, "\(error?.message ?? "")")
  }

  @Test("a prior of wrapped normals is drawn around its centres, point by point")
  func wrappedNormal() throws {
    let plain = try tinyManifold("a", geometry: "poincare(2)")
    var manifest = plain.manifest
    manifest.prior = .wrappedNormal(centres: [[0.6, 0.6], [-0.6, -0.6]], deviation: 0.1)
    let bundle = try ManifoldBundle(name: "a", manifest: manifest, weights: plain.weights)
    let still = PointWalk(start: 1, end: 1, evaluations: 1), sampler = PointSampler(bundle)
    let points = sampler.sample(1000, seed: 4, still).elements
    let sides = stride(from: 0, to: points.count, by: 2).map { points[$0] + points[$0 + 1] > 0 }
    #expect((400...600).contains(sides.count { $0 }))
    #expect(stride(from: 0, to: points.count, by: 2).allSatisfy { abs(abs(points[$0]) - 0.6) < 0.25 })
    #expect(Array(points[..<20]) == sampler.sample(10, seed: 4, still).elements)
    manifest.prior = .wrappedNormal(centres: [[2, 0]], deviation: 0.1)
    #expect(throws: BundleError.self) {
      try ManifoldBundle(name: "a", manifest: manifest, weights: plain.weights)
    }
  }
}
