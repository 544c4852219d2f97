// SPDX-License-Identifier: Apache-2.0

package import FlowZeroMQ
internal import Glibc

/// Somebody who may use a daemon, and how much of it.
package struct User: Sendable, Equatable {
  /// What the user is called in answers and in the log.
  package let name: String
  /// What the user proves to own.
  package let key: CurvePublicKey
  /// The most sessions at a time; nil for as many as the daemon takes.
  package let maximumSessions: Int?
  /// Names of models, with `*` and `?` for what varies; nil for all.
  package let models: [String]?

  /// Whether the user may know and use a model.
  package func mayUse(_ model: String) -> Bool {
    guard let models else { return true }
    return models.contains { fnmatch($0, model, 0) == 0 }
  }
}

/// All who may use a daemon.
package struct UserTable: Sendable, Equatable {
  private let users: [CurvePublicKey: User]

  /// The users of a list, whose names and keys all differ.
  init(_ list: [User]) {
    users = Dictionary(uniqueKeysWithValues: list.map { ($0.key, $0) })
  }

  /// How many there are.
  package var count: Int { users.count }

  /// The owner of a key.
  package subscript(key: CurvePublicKey) -> User? { users[key] }
}
