// SPDX-License-Identifier: Apache-2.0

/// A name that is no manifold's: which part of it, and what would be.
public struct GeometryError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What is wrong and what to write instead.
  public let description: String
}

/// The manifold of a name, such as `sphere(2)`, `so(3)` or `product(sphere(2),power(se(3),8))`.
///
/// Spaces do not matter; ``Manifold/name`` gives the name back without any.
///
/// - Throws: ``GeometryError``, which quotes the part that is wrong and says what exists.
public func manifold(named name: String) throws -> any Manifold {
  var parser = GeometryParser(text: Array(name.filter { !$0.isWhitespace }))
  let manifold = try parser.manifold()
  guard parser.isAtEnd else {
    throw GeometryError(description: "'\(parser.rest)' follows the manifold \(manifold.name); nothing may")
  }
  return manifold
}

/// Reads NAME(ARGUMENT,…) from the front of a text.
private struct GeometryParser {
  let text: [Character]
  var position = 0
  private var depth = 0

  init(text: [Character]) { self.text = text }

  var isAtEnd: Bool { position == text.count }
  var rest: String { String(text[position...]) }

  /// Nesting, factors and rows beyond these are mistakes, or worse.
  private static let deepest = 16, widest = 65536

  mutating func manifold() throws -> any Manifold {
    let start = position
    let family = take { $0.isLetter || $0 == "_" }
    guard let family = Family(rawValue: family) else {
      let found =
        family.isEmpty ? "'\(rest.prefix(24))' begins with no name" : "there is no manifold '\(family)'"
      throw GeometryError(description: "\(found); there are \(Family.list)")
    }
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else {
      throw GeometryError(description: "products and powers are nested more than \(Self.deepest) deep")
    }
    try expect("(", in: family)
    let manifold = try body(of: family)
    try expect(")", in: family)
    guard manifold.ambient <= Self.widest else {
      throw GeometryError(
        description: "'\(String(text[start..<position]))' takes \(manifold.ambient) numbers a point; "
          + "at most \(Self.widest) are possible")
    }
    return manifold
  }

  private mutating func body(of family: Family) throws -> any Manifold {
    switch family {
    case .euclidean: return Euclidean(dimension: try integer(of: family))
    case .torus: return FlatTorus(dimension: try integer(of: family))
    case .sphere: return Sphere(dimension: try integer(of: family))
    case .hyperboloid: return Hyperboloid(dimension: try integer(of: family))
    case .poincare: return PoincareBall(dimension: try integer(of: family))
    case .simplex: return Simplex(dimension: try integer(of: family))
    case .so, .se:
      let size = try integer(of: family)
      guard size == 3 else {
        throw GeometryError(description: "\(family.rawValue)(\(size)) is not there; write \(family.usage)")
      }
      return family == .so ? SpecialOrthogonal() : Product.rigidMotions
    case .spd: return PositiveDefinite(size: try integer(of: family, upTo: Family.largestMatrix))
    case .stiefel, .grassmann:
      let size = try integer(of: family, upTo: Family.largestMatrix)
      try expect(",", in: family)
      let rank = try integer(of: family)
      guard rank < size else {
        throw GeometryError(
          description: "\(family.rawValue)(\(size),\(rank)): the second number must be below the first")
      }
      return family == .stiefel ? Stiefel(size: size, rank: rank) : Grassmann(size: size, rank: rank)
    case .product: return Product(try parts(of: family))
    case .power:
      let base = try manifold()
      try expect(",", in: family)
      return Power(base, copies: try integer(of: family))
    case .scaled:
      let digits = take { $0.isNumber || ".e+-".contains($0) }
      guard let factor = Double(digits), factor > 0, factor.isFinite else {
        throw GeometryError(
          description: "scaled: '\(digits)' is not a positive number; write \(family.usage)")
      }
      try expect(",", in: family)
      return Scaled(by: factor, try manifold())
    }
  }

  private mutating func parts(of family: Family) throws -> [any Manifold] {
    var parts = [try manifold()]
    while !isAtEnd, text[position] == "," {
      position += 1
      parts.append(try manifold())
    }
    return parts
  }

  private mutating func integer(of family: Family, upTo limit: Int = widest) throws -> Int {
    let digits = take { $0 != "," && $0 != ")" }
    guard let value = Int(digits), (1...limit).contains(value) else {
      throw GeometryError(
        description: "\(family.rawValue): '\(digits)' is not a whole number from 1 to \(limit); "
          + "write \(family.usage)")
    }
    return value
  }

  private mutating func expect(_ character: Character, in family: Family) throws {
    guard !isAtEnd, text[position] == character else {
      let found = isAtEnd ? "the end" : "'\(rest.prefix(24))'"
      throw GeometryError(
        description: "\(family.rawValue): expected '\(character)' before \(found); write \(family.usage)")
    }
    position += 1
  }

  private mutating func take(while condition: (Character) -> Bool) -> String {
    let start = position
    while !isAtEnd, condition(text[position]) { position += 1 }
    return String(text[start..<position])
  }
}

/// What there is, by the name that it is written with.
private enum Family: String, CaseIterable {
  case euclidean, torus, sphere, so, se, hyperboloid, poincare, spd, stiefel, grassmann, simplex, product,
    power,
    scaled

  /// Rows of matrices beyond which an eigenvalue decomposition a point is out of reach.
  static let largestMatrix = 64

  static var list: String { allCases.map(\.usage).joined(separator: ", ") }

  var usage: String {
    switch self {
    case .so, .se: "\(rawValue)(3)"
    case .stiefel, .grassmann: "\(rawValue)(n,p)"
    case .product: "product(MANIFOLD,…)"
    case .power: "power(MANIFOLD,copies)"
    case .scaled: "scaled(factor,MANIFOLD)"
    default: "\(rawValue)(n)"
    }
  }
}
