// SPDX-License-Identifier: Apache-2.0

import FlowManifolds
import Testing

@Suite("Names of manifolds")
struct GeometryTests {
  @Test("a name is read and given back", arguments: manifoldTable)
  func roundTrip(laws: ManifoldCase) throws {
    #expect(try manifold(named: laws.name).name == laws.name)
  }

  @Test("spaces do not matter, and parts nest")
  func nesting() throws {
    let found = try manifold(named: " product( sphere(2), power(se(3), 8), scaled(0.5, torus(2)) ) ")
    #expect(found.name == "product(sphere(2),power(se(3),8),scaled(0.5,torus(2)))")
    #expect(found.ambient == 3 + 96 + 2)
    #expect(found.dimension == 2 + 48 + 2)
    #expect(found.injectivityRadius == 0.5 * .pi)
  }

  @Test(
    "what is wrong is quoted, with what would be right",
    arguments: [
      ("", "begins with no name"), ("klein(2)", "no manifold 'klein'"),
      ("sphere", "expected '(' before the end"),
      ("sphere(2", "expected ')' before the end"), ("sphere(0)", "'0' is not a whole number"),
      ("sphere(two)", "'two' is not a whole number"), ("sphere(-1)", "'-1' is not a whole number"),
      ("sphere(99999999999999999999)", "not a whole number"), ("sphere(65536)", "at most 65536"),
      ("sphere(2)x", "'x' follows the manifold sphere(2)"), ("so(4)", "so(3)"),
      ("stiefel(3,3)", "must be below the first"), ("stiefel(3)", "expected ','"),
      ("spd(65)", "from 1 to 64"),
      ("product()", "begins with no name"), ("product(sphere(2),)", "begins with no name"),
      ("product(sphere(2),klein(1))", "no manifold 'klein'"),
      ("scaled(-1,sphere(2))", "not a positive number"),
      ("scaled(inf,sphere(2))", "not a positive number"), ("power(torus(2),65536)", "takes 131072 numbers"),
      (String(repeating: "product(", count: 99), "nested more than 16 deep"),
    ])
  func refusals(name: String, reason: String) {
    let error = #expect(throws: GeometryError.self) { try manifold(named: name) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }
}
