// SPDX-License-Identifier: Apache-2.0

import FlowManifolds
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

@Suite("Points and their splits")
struct PointDataTests {
  /// The first five training indices that PyTorch 2.13's `random_split` gives with seed 42.
  static let splits: [(count: Int, first: [Int])] = [
    (827, [146, 94, 528, 241, 402]), (6120, [1662, 5406, 5200, 1285, 3042]),
    (4875, [4542, 2106, 385, 169, 500]), (12809, [6468, 6804, 5454, 8491, 6430]),
    (9478, [2948, 4884, 2670, 167, 9448]),
  ]

  @Test("the split of published figures is reproduced", arguments: splits)
  func split(example: (count: Int, first: [Int])) {
    let split = DataSplit(count: example.count)
    #expect(Array(split.training.prefix(5)) == example.first)
    #expect(split.test.count == example.count / 10 && split.validation.count == example.count / 10)
    #expect((split.training + split.validation + split.test).sorted() == Array(0..<example.count))
  }

  @Test("MT19937 gives the numbers of its authors")
  func twister() {
    var generator = MersenneTwister(seed: 5489)
    #expect(generator.next32() == 3_499_211_612 && generator.next32() == 581_869_302)
    for _ in 2..<9999 { _ = generator.next32() }
    #expect(generator.next32() == 4_123_659_995)
  }

  @Test(
    "latitude and longitude become unit vectors; a header, empty lines and foreign line ends are passed over")
  func earth() throws {
    try withFolder { folder in
      let path = folder + "/places.csv"
      try "# from somewhere\r\nLatitude,Longitude\r\n90,0\r\n\r\n 0 , 90\r\n-45,180".write(
        toFile: path, atomically: true, encoding: .utf8)
      let points = try earthPoints(path: path)
      let half = Float(0.5).squareRoot()
      let wanted: [Float] = [0, 0, 1, 0, 1, 0, -half, 0, -half]
      #expect(points.shape == [3, 3])
      #expect(zip(points.elements, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  /// A table with a fault, the line that it is on, and what the message says.
  static let faults: [(text: String, line: Int, says: String)] = [
    ("lat,lon\n1,2\nx,3\n", 3, "not 2 numbers"), ("1,2\n3\n", 2, "not 2 numbers"),
    ("# a\n1,2\n1,2,3\n", 3, "not 2 numbers"), ("1,2\n1,inf\n", 2, "not finite"),
    ("1,2\n1,nan\n", 2, "not finite"),
    ("lat,lon\nlat,lon\n1,2\n", 2, "not 2 numbers"), ("nan,5\n1,2\n", 1, "not finite"),
    ("\u{FEFF}x,2\n1,2\n", 1, "not 2 numbers"), ("1,2\n\n\n95,2\n", 4, "no place"),
    ("-,2\n", 1, "not 2 numbers"),
  ]

  @Test("a malformed row is refused with the line that it stands on", arguments: faults)
  func malformed(example: (text: String, line: Int, says: String)) throws {
    try withFolder { folder in
      let path = folder + "/places.csv"
      try example.text.write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: TrainingError.self) { try earthPoints(path: path) }
      #expect(error?.code == .badData)
      #expect(error?.message.contains("\(path), line \(example.line):") == true, "\(error as Any)")
      #expect(error?.message.contains(example.says) == true, "\(error as Any)")
    }
  }

  @Test("a file without rows, and one that is not there, are refused by name")
  func absent() throws {
    try withFolder { folder in
      let path = folder + "/places.csv"
      #expect(throws: TrainingError.self) { try earthPoints(path: path) }
      try "lat,lon\n".write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: TrainingError.self) { try earthPoints(path: path) }
      #expect(error?.message.contains(path) == true)
    }
  }

  @Test("angles in degrees come to lie in one turn, after their labels")
  func torus() throws {
    try withFolder { folder in
      let path = folder + "/angles.tsv"
      try "1abc\tG\t-90\t450\n1abc\tC\t180\t-0.0000001\n".write(
        toFile: path, atomically: true, encoding: .utf8)
      let points = try angles(path: path, columns: 2, labels: 2)
      let wanted: [Float] = [1.5 * .pi, 0.5 * .pi, .pi, 2 * .pi]
      #expect(zip(points.elements, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
      #expect(points.elements.allSatisfy { $0 >= 0 && $0 < 2 * .pi })
    }
  }

  @Test("a table of ranks is sampled by the mass between ranks, shared by equal ones")
  func ranks() throws {
    try withFolder { folder in
      let path = folder + "/ranks.data"
      // Masses 0, 0.2, 0.2 (two cells of rank 0.4 share it) and 0.6.
      try "# phi psi rank\n-179 -179 0\n-177 -179 0.4\n1 1 0.4\n91 -91 1\n".write(
        toFile: path, atomically: true, encoding: .utf8)
      let points = try RankTable(path: path).sample(4000).elements
      let degrees = points.map { $0 * 180 / .pi }
      let near = { (phi: Float, psi: Float) in
        Float(
          stride(from: 0, to: degrees.count, by: 2).count {
            abs(degrees[$0] - phi) <= 1.001 && abs(degrees[$0 + 1] - psi) <= 1.001
          }) / 4000
      }
      #expect(abs(near(183, 181) - 0.2) < 0.03 && abs(near(1, 1) - 0.2) < 0.03)
      #expect(abs(near(91, 269) - 0.6) < 0.03 && near(181, 181) == 0)
    }
  }

  @Test(
    "made points lie on their manifolds and are the same each time",
    arguments: [
      (PointSource.swissRoll, "so(3)"), (.hyperbolicPair, "poincare(2)"), (.helix, "sphere(4)"),
      (.rigidChains, "power(se(3),3)"),
    ])
  func made(source: PointSource, name: String) throws {
    let manifold = try manifold(named: name)
    let set = try source.load(on: manifold, data: "nowhere")
    #expect(set.points.isFinite && set.points.shape[1] == manifold.ambient)
    #expect(try source.load(on: manifold, data: "nowhere").points.elements == set.points.elements)
    #expect(set.training.shape[0] == set.split.training.count)
  }

  @Test("a Swiss roll's rotations take the y axis along the roll")
  func roll() {
    let rows = swissRollRotations(count: 500).elements
    for item in 0..<500 {
      let y = [1, 4, 7].map { rows[9 * item + $0] }
      // The direction of (φ cos φ, 10, φ sin φ) for a φ in 0…3π.
      let phi = (y[0] * y[0] + y[2] * y[2]).squareRoot() / y[1] * 10
      #expect(phi < 9.6 && abs(phi * cos(phi) / 10 - y[0] / y[1]) < 0.02)
    }
  }

  @Test("a set on another manifold is refused with both names")
  func wrongManifold() throws {
    let error = #expect(throws: TrainingError.self) {
      try PointSet(.zeros([40, 3]), on: manifold(named: "torus(2)"), origin: "places.csv")
    }
    #expect(error?.message.contains("places.csv") == true && error?.message.contains("torus(2)") == true)
    let off = #expect(throws: TrainingError.self) {
      try PointSet(
        Tensor(repeating: 1, shape: [40, 3]), on: manifold(named: "sphere(2)"), origin: "places.csv")
    }
    #expect(off?.message.contains("point") == true)
  }
}
