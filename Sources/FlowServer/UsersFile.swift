// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ
internal import Glibc

/// Why a users file cannot be taken.
public struct UsersFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, the field, what is wrong and what to do about it.
  public let description: String
  /// Whether the file may be read or changed by the wrong people, or not by us.
  let isAboutPermission: Bool
}

/// Reads a users file, a JSON object:
///
///     {"users": [{"name": "ann", "key": "…", "max_sessions": 2, "models": ["doom", "earth*"]}]}
///
/// Strict: a member that is not known is refused, since a misspelt limit would be none.
package enum UsersFile {
  /// The most bytes of a file.
  private static let maximumBytes = 1 << 20

  /// Reads the file at `path`.
  package static func read(_ path: String) throws(UsersFileError) -> UserTable {
    try parse(contents(path), path: path)
  }

  /// Understands the bytes of a file.
  package static func parse(_ text: [UInt8], path: String) throws(UsersFileError) -> UserTable {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: text)
    } catch {
      throw fault(path, "is not JSON: \(error)")
    }
    do throws(UserFault) {
      return UserTable(try readUsers(value))
    } catch {
      throw fault(path, error.message)
    }
  }

  private static func contents(_ path: String) throws(UsersFileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw unreadable(path) }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0 else { throw unreadable(path) }
    guard facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= maximumBytes else {
      throw fault(path, "is not a file of at most \(maximumBytes) bytes; name a users file")
    }
    guard facts.st_mode & 0o022 == 0 else {
      throw UsersFileError(
        description:
          "\(path): others than its owner may change it, and let anybody in; write chmod go-w \(path)",
        isAboutPermission: true)
    }
    return try readAll(file, path)
  }

  private static func readAll(_ file: Int32, _ path: String) throws(UsersFileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= maximumBytes {
      let count = Glibc.read(file, &buffer, buffer.count)
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { return bytes }
      bytes += buffer.prefix(count)
    }
    throw fault(path, "has grown beyond \(maximumBytes) bytes; name a users file")
  }

  private static func unreadable(_ path: String) -> UsersFileError {
    UsersFileError(
      description: "cannot read \(path): \(String(cString: strerror(errno)))", isAboutPermission: true)
  }

  private static func fault(_ path: String, _ message: String) -> UsersFileError {
    UsersFileError(description: "\(path): \(message)", isAboutPermission: false)
  }
}

/// What is wrong with a member of the file.
private struct UserFault: Error {
  let message: String
}

private func readUsers(_ value: JSONValue) throws(UserFault) -> [User] {
  guard case .object(let object) = value, case .array(let list)? = object["users"], object.members.count == 1
  else { throw UserFault(message: #"the file must be an object with one member, {"users": […]}"#) }
  var users: [User] = []
  for (index, item) in list.enumerated() {
    let place = "users[\(index)]"
    let user = try readUser(item, place)
    if users.contains(where: { $0.name == user.name }) {
      throw UserFault(message: "\(place).name \"\(user.name)\" is there twice; give each user a name")
    }
    if let other = users.first(where: { $0.key == user.key }) {
      throw UserFault(message: "\(place).key is that of \(other.name) too; make a key for each user")
    }
    users.append(user)
  }
  return users
}

private func readUser(_ value: JSONValue, _ place: String) throws(UserFault) -> User {
  guard case .object(let object) = value else {
    throw UserFault(message: "\(place) must be an object with name and key")
  }
  let known = ["name", "key", "max_sessions", "models"]
  if let member = object.members.first(where: { !known.contains($0.name) }) {
    throw UserFault(
      message: "\(place).\(member.name) is not known; take one of \(known.joined(separator: ", "))")
  }
  guard case .string(let name)? = object["name"], isName(name) else {
    throw UserFault(
      message: "\(place).name must be 1 to 64 letters, digits, dots, hyphens, underscores or @")
  }
  return User(
    name: name, key: try readKey(object["key"], place),
    maximumSessions: try readLimit(object["max_sessions"], place),
    models: try readModels(object["models"], place))
}

private func readKey(_ value: JSONValue?, _ place: String) throws(UserFault) -> CurvePublicKey {
  guard case .string(let text)? = value else {
    throw UserFault(message: "\(place).key must be the user's public key, as flowctl keys prints it")
  }
  do throws(CurveKeyError) {
    return try CurvePublicKey(text)
  } catch {
    throw UserFault(message: "\(place).key: \(error)")
  }
}

private func readLimit(_ value: JSONValue?, _ place: String) throws(UserFault) -> Int? {
  switch value {
  case nil: return nil
  case .integer(let number)? where (0...1000).contains(number): return Int(number)
  default:
    throw UserFault(
      message: "\(place).max_sessions must be an integer from 0 to 1000; leave it out for no limit")
  }
}

private func readModels(_ value: JSONValue?, _ place: String) throws(UserFault) -> [String]? {
  guard let value else { return nil }
  guard case .array(let items) = value else {
    throw UserFault(
      message: "\(place).models must be an array of names or patterns; leave it out for all models")
  }
  var patterns: [String] = []
  for item in items {
    guard case .string(let pattern) = item, !pattern.isEmpty else {
      throw UserFault(
        message: "\(place).models[\(patterns.count)] must be a name or a pattern such as earth*")
    }
    patterns.append(pattern)
  }
  return patterns
}

private func isName(_ text: String) -> Bool {
  (1...64).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "@"):
        true
      default: false
      }
    }
}
