// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Glibc

/// What a daemon needs to tell who its clients are: its own key, and who may connect.
struct AccessControl: Sendable {
  let secretKey: CurveSecretKey
  let users: UserTable

  /// Reads the files that a configuration names; nil if it names none, so that whoever reaches the socket is served.
  init?(_ configuration: ServerConfiguration) throws(StartError) {
    switch (configuration.curveKeyFile, configuration.usersFile) {
    case (nil, nil): return nil
    case (let key?, let users?):
      secretKey = try readKey(key)
      self.users = try readUsers(users)
    case (_?, nil):
      throw StartError(
        .configuration,
        "a key is given, but nobody who may connect; add --users FILE, the list of their public keys")
    case (nil, _?):
      throw StartError(
        .configuration,
        "users are given, but no key of the daemon; add --curve-key FILE, made with flowctl keys")
    }
  }
}

extension ServerConfiguration {
  /// Reads the files of keys and users and opens the folder for recordings, as a start would.
  public func checkFiles() throws(StartError) {
    _ = try AccessControl(self)
    if let recordingsFolder { _ = try RecordingFolder(recordingsFolder) }
  }
}

private func readKey(_ path: String) throws(StartError) -> CurveSecretKey {
  do throws(CurveKeyError) {
    return try CurveKeyFile.secretKey(path: path)
  } catch {
    throw StartError(.permission, "the key cannot be used: \(error)")
  }
}

private func readUsers(_ path: String) throws(StartError) -> UserTable {
  do throws(UsersFileError) {
    return try UsersFile.read(path)
  } catch {
    throw StartError(error.isAboutPermission ? .permission : .configuration, error.description)
  }
}
