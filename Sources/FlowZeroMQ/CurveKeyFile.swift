// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Reads and writes the files that hold keys: one key a file, as one line of Z85.
///
/// Lines that begin with a semicolon, which Z85 does not know, are remarks.
public enum CurveKeyFile {
  /// The name that is put behind a pair's name for its secret half.
  public static let secretSuffix = ".secret"
  /// The name that is put behind a pair's name for its public half.
  public static let publicSuffix = ".public"

  /// Reads a secret key.
  ///
  /// - Throws: ``CurveKeyError`` if the file cannot be read, holds no key, or can be read by others than its owner.
  public static func secretKey(path: String) throws(CurveKeyError) -> CurveSecretKey {
    let text = try read(path, isSecret: true)
    return try naming(path) { () throws(CurveKeyError) in try CurveSecretKey(text) }
  }

  /// Reads a public key.
  ///
  /// - Throws: ``CurveKeyError`` if the file cannot be read or holds no key.
  public static func publicKey(path: String) throws(CurveKeyError) -> CurvePublicKey {
    let text = try read(path, isSecret: false)
    return try naming(path) { () throws(CurveKeyError) in try CurvePublicKey(text) }
  }

  /// Writes a pair to `NAME.secret`, which only the owner can read, and `NAME.public`.
  ///
  /// - Throws: ``CurveKeyError`` if one of them is there already, or cannot be written.
  public static func write(_ pair: CurveKeyPair, name: String) throws(CurveKeyError) {
    try write(pair.secretKey.text, "secret key; keep it to yourself", name + secretSuffix, mode: 0o600)
    do throws(CurveKeyError) {
      try write(pair.publicKey.text, "public key", name + publicSuffix, mode: 0o644)
    } catch {
      // Half a pair would only be in the way of the next attempt.
      unlink(name + secretSuffix)
      throw error
    }
  }

  private static func naming<Key>(
    _ path: String, _ parse: () throws(CurveKeyError) -> Key
  ) throws(CurveKeyError) -> Key {
    do throws(CurveKeyError) {
      return try parse()
    } catch {
      throw CurveKeyError(description: "\(path): \(error)")
    }
  }

  /// The line of a file that is no remark.
  private static func read(_ path: String, isSecret: Bool) throws(CurveKeyError) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw failure("cannot read", path) }
    defer { close(file) }
    try check(file, path, isSecret: isSecret)
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(file, &buffer, buffer.count)
    guard count >= 0 else { throw failure("cannot read", path) }
    let lines = String(decoding: buffer.prefix(count), as: UTF8.self).split(whereSeparator: \.isNewline)
    let keys = lines.filter { !$0.hasPrefix(";") }
    guard keys.count == 1, let key = keys.first else {
      throw CurveKeyError(
        description: "\(path) holds \(keys.count) lines, not one key; make it with flowctl keys")
    }
    return String(key)
  }

  /// Looks at the open file, not at its name, which may stand for another one by now.
  private static func check(_ file: Int32, _ path: String, isSecret: Bool) throws(CurveKeyError) {
    var facts = stat()
    guard fstat(file, &facts) == 0 else { throw failure("cannot read", path) }
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw CurveKeyError(description: "\(path) is not a file; name the file of a key")
    }
    guard isSecret else { return }
    guard facts.st_mode & 0o077 == 0 else {
      throw CurveKeyError(
        description: "others than its owner may use \(path); write chmod 600 \(path), and make a new key if "
          + "somebody may have read this one")
    }
    guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
      throw CurveKeyError(
        description: "\(path) belongs to another user, who knows the key; make one of your own")
    }
  }

  private static func write(
    _ key: String, _ remark: String, _ path: String, mode: mode_t
  ) throws(CurveKeyError) {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard file >= 0 else {
      guard errno == EEXIST else { throw failure("cannot write", path) }
      throw CurveKeyError(description: "\(path) is there already and is not replaced; choose another name")
    }
    defer { close(file) }
    let line = Array("; flowd \(remark)\n\(key)\n".utf8)
    // One call: a line is far below what a file system takes at once.
    guard fchmod(file, mode) == 0, Glibc.write(file, line, line.count) == line.count, fsync(file) == 0 else {
      let error = failure("cannot write", path)
      unlink(path)
      throw error
    }
  }

  private static func failure(_ what: String, _ path: String) -> CurveKeyError {
    CurveKeyError(description: "\(what) \(path): \(String(cString: strerror(errno)))")
  }
}
