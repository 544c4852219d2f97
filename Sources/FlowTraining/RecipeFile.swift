// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
internal import Yams

/// The YAML of a recipe, with settings in place of some of its values.
struct RecipeFile {
  private let path: String
  private let root: Node

  /// The most bytes of a file.
  private static let mostBytes = 1 << 20
  /// The most aliases in a file: each may stand for a list of all before it, so that many of them never end.
  private static let mostAliases = 8

  /// Reads a file. A setting is `key.of.key=value`; the key must be there already, or its parent be a map.
  ///
  /// A recipe that `extends` another, named relative to its own folder, is that one with its own values in place. A value of
  /// null takes a key out.
  init(path: String, settings: [String] = []) throws {
    var root = try Self.read(path, depth: 0)
    for setting in settings { try Self.apply(setting, to: &root) }
    self.path = path
    self.root = root.withoutNulls
    if let place = self.root.notFinite {
      throw TrainingError(
        .badRecipe,
        "\(path): a recipe has finite numbers, and \(place) is none; give it another value, or leave it out")
    }
  }

  private static func read(_ path: String, depth: Int) throws -> Node {
    let text = try text(of: path), composed: Node?
    do {
      composed = try Yams.compose(yaml: text)
    } catch {
      throw TrainingError(.badRecipe, "\(path): \(error)")
    }
    guard var root = composed, root.mapping != nil else {
      throw TrainingError(.badRecipe, "\(path): a recipe is a map of keys to values")
    }
    guard let base = root["extends"] else { return root }
    guard let name = base.string, depth < 8 else {
      throw TrainingError(.badRecipe, "\(path): extends must name a recipe, and not itself by way of others")
    }
    root = try root.without("extends")
    return try read(folder(of: path) + name, depth: depth + 1).overlaid(with: root)
  }

  private static func text(of path: String) throws -> String {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw TrainingError(.unreadable, "\(path): cannot be read; name a recipe.yaml")
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= mostBytes else {
      throw TrainingError(
        .unreadable, "\(path): a recipe is a regular file of at most \(mostBytes) bytes; name a recipe.yaml")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TrainingError(.unreadable, "\(path): cannot be read; name a recipe.yaml")
    }
    guard zip(data, data.dropFirst()).count(where: { $0 == UInt8(ascii: "*") && $1 > 0x20 }) <= mostAliases
    else {
      throw TrainingError(
        .badRecipe, "\(path): a recipe may have at most \(mostAliases) aliases (*name); write the values out")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// The folder of a file with a slash at its end, or nothing.
  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  private static func apply(_ setting: String, to root: inout Node) throws {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let keys = parts[0].split(separator: ".").map(String.init)
    guard parts.count == 2, !keys.isEmpty, let value = try? Yams.compose(yaml: String(parts[1])) else {
      throw TrainingError(.badRecipe, "'\(setting)' is no setting; write key=value, such as optimiser.seed=2")
    }
    try replace(keys[...], in: &root, with: value, setting: setting)
  }

  private static func replace(
    _ keys: ArraySlice<String>, in node: inout Node, with value: Node, setting: String
  ) throws {
    guard let key = keys.first else {
      node = value
      return
    }
    guard node.mapping != nil else {
      throw TrainingError(.badRecipe, "'\(setting)': there is no map to hold '\(key)'")
    }
    if keys.count == 1 {
      node[key] = value
      return
    }
    guard var child = node[key] else {
      throw TrainingError(.badRecipe, "'\(setting)': the recipe has no '\(key)'")
    }
    try replace(keys.dropFirst(), in: &child, with: value, setting: setting)
    node[key] = child
  }

  /// Whether the recipe has a key.
  func has(_ key: String) -> Bool { root[key] != nil }

  /// The text that a key has, if it has one.
  func text(of key: String) -> String? { root[key]?.string }

  /// The recipe, decoded. Throws ``TrainingError`` with the field at fault, a field that no recipe has included.
  func decode<Value: Codable>() throws -> Value {
    let value: Value, known: Node?
    do {
      value = try YAMLDecoder().decode(Value.self, from: root)
      known = try Yams.compose(yaml: YAMLEncoder().encode(value))
    } catch let error as DecodingError {
      throw TrainingError(.badRecipe, "\(path): \(error.sentence)")
    } catch {
      throw TrainingError(.badRecipe, "\(path): \(error)")
    }
    if let key = known.flatMap({ Self.unknownKey(in: root, known: $0) }) {
      throw TrainingError(.badRecipe, "\(path): a recipe has no '\(key)'; remove it or correct its name")
    }
    return value
  }

  /// The first key of a map that what was read of it lacks.
  private static func unknownKey(in node: Node, known: Node) -> String? {
    guard let mapping = node.mapping else { return nil }
    for (key, value) in mapping {
      let name = key.string ?? ""
      guard let same = known[name] else { return name }
      if let inner = unknownKey(in: value, known: same) { return "\(name).\(inner)" }
    }
    return nil
  }

  /// The recipe as YAML, settings in place.
  func text() throws -> String { try Yams.serialize(node: root) }
}

extension Node {
  fileprivate func without(_ key: String) throws -> Node {
    guard let mapping else { return self }
    return .mapping(Node.Mapping(mapping.filter { $0.key.string != key }.map { ($0.key, $0.value) }))
  }

  /// Without keys whose value is null.
  fileprivate var withoutNulls: Node {
    guard let mapping else { return self }
    return .mapping(
      Node.Mapping(mapping.filter { $0.value.null == nil }.map { ($0.key, $0.value.withoutNulls) }))
  }

  /// Where a number is infinite or none at all, as `key.of.key`; nil if none is: nothing is made with such, and none equals
  /// itself.
  fileprivate var notFinite: String? {
    switch self {
    case .scalar: float.map(\.isFinite) ?? true ? nil : ""
    case .sequence(let parts):
      parts.enumerated().lazy.compactMap { index, part in part.notFinite.map { joined("\(index)", $0) } }
        .first
    case .mapping(let parts):
      parts.lazy.compactMap { key, part in part.notFinite.map { joined(key.string ?? "", $0) } }.first
    case .alias: nil
    }
  }

  /// Maps are merged, key by key; anything else is replaced.
  fileprivate func overlaid(with other: Node) -> Node {
    guard var merged = mapping, let others = other.mapping else { return other }
    for (key, value) in others { merged[key] = merged[key]?.overlaid(with: value) ?? value }
    return .mapping(merged)
  }
}

extension DecodingError {
  /// The field at fault and what is the matter with it.
  fileprivate var sentence: String {
    let field = { (path: [any CodingKey]) in path.map(\.stringValue).joined(separator: ".") }
    switch self {
    case .keyNotFound(let key, let context):
      return "'\(field(context.codingPath + [key]))' is missing; give it a value"
    case .valueNotFound(_, let context): return "'\(field(context.codingPath))' has no value; give it one"
    case .typeMismatch(let type, let context):
      return "'\(field(context.codingPath))' must be of type \(type): \(context.debugDescription)"
    case .dataCorrupted(let context):
      return "'\(field(context.codingPath))': \(context.debugDescription)"
    @unknown default: return "\(self)"
    }
  }
}

/// A value of a recipe that is one of some names.
public protocol NamedChoice: RawRepresentable, CaseIterable, Codable where RawValue == String {}

extension NamedChoice {
  /// The choice of a name; an error that lists all names if there is none of it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer(), name = try container.decode(String.self)
    guard let choice = Self(rawValue: name) else {
      let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(name)' is none of \(names)")
    }
    self = choice
  }
}

/// A key and what is within its value.
private func joined(_ key: String, _ rest: String) -> String { rest.isEmpty ? key : "\(key).\(rest)" }
