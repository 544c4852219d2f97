// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowCheckpoint
import FlowManifolds
import FlowTensor
import Foundation
import Testing

/// tools/fixtures/manifolds_golden.py wrote the files: what geoopt and geomstats compute in float64.
@Suite("Manifolds against geoopt and geomstats")
struct GoldenTests {
  /// A package and a manifold that it shares with us.
  struct Shared: CustomTestStringConvertible, Sendable {
    let package: String
    let name: String
    var testDescription: String { "\(name) of \(package)" }
  }

  private static func file(_ package: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: Bundle.module.bundlePath + "/Fixtures/\(package).safetensors")
  }

  static let shared: [Shared] = ["geoopt", "geomstats"].flatMap { package in
    let names = (try? file(package))?.names ?? []
    return Set(names.map { String($0.prefix { $0 != "/" }) }).sorted().map {
      Shared(package: package, name: $0)
    }
  }

  @Test("the files are there")
  func complete() {
    #expect(Self.shared.count { $0.package == "geoopt" } == 5)
    #expect(Self.shared.count { $0.package == "geomstats" } == 15)
  }

  @Test("exp, log, distance and transport are theirs", arguments: shared)
  func maps(shared: Shared) throws {
    let file = try Self.file(shared.package), manifold = try manifold(named: shared.name)
    let read = { (what: String) in
      let name = "\(shared.name)/\(what)"
      return Variable(try file.tensor(name, shape: Shape(try file.entry(name).shape)))
    }
    let x = try read("x"), y = try read("exp"), u = try read("u")
    let found = [
      ("exp", manifold.exp(x, u)), ("log", manifold.log(x, y)), ("distance", manifold.distance(x, y)),
      ("transport", manifold.transport(try read("v"), from: x, to: y)),
    ]
    // Rows are rounded to float32, which the metrics of hyperbolic space and of matrices magnify.
    let tolerance: Float = shared.name.hasPrefix("sphere") || shared.name.hasPrefix("so") ? 2e-6 : 2e-5
    for (what, found) in found where file.names.contains("\(shared.name)/\(what)") {
      let wanted = try read(what)
      let size = max(1, largest(wanted)), distance = largest(found - wanted)
      #expect(distance <= tolerance * size, "\(shared.testDescription): \(what) is \(distance) off")
    }
  }

  private func largest(_ x: Variable) -> Float {
    x.tensor.map(.absolute).elements.reduce(0) { $1.isNaN ? $1 : max($0, $1) }
  }
}
