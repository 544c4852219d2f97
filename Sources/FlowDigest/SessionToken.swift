// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// What proves that a client is the one that opened a session: 128 random bits, which are a secret.
///
/// It prints as the beginning of its digest, so that a log can tell tokens apart and nobody can use what it says.
/// Comparing takes as long whatever the difference is, so that nobody finds a token digit by digit.
public struct SessionToken: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  /// How many bytes a token has.
  public static let byteCount = 16

  private let bytes: [UInt8]

  /// A token that nobody has had before, from random numbers that the system seeds.
  public init() {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    precondition(
      RAND_bytes(&bytes, Int32(bytes.count)) == 1, "SessionToken: the system gave no random numbers")
    self.bytes = bytes
  }

  /// Reads 32 lower-case hexadecimal digits; nil if the text is anything else.
  public init?(hexadecimal text: String) {
    let digits = text.utf8.compactMap(value)
    guard text.utf8.count == 2 * Self.byteCount, digits.count == 2 * Self.byteCount else { return nil }
    bytes = (0..<Self.byteCount).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
  }

  /// 32 lower-case hexadecimal digits, for the client that opened the session and for nobody else.
  public var hexadecimal: String { hexadecimalText(bytes) }

  /// The first 8 digits of the token's SHA-256.
  public var description: String {
    var digest = SHA256()
    digest.update(bytes)
    return String(digest.hexadecimal().prefix(8))
  }

  /// What a debugger's dump may see of it.
  public var customMirror: Mirror { Mirror(self, children: ["digest": description]) }

  /// Whether two tokens are the same, in a time that does not depend on them.
  public static func == (left: Self, right: Self) -> Bool {
    CRYPTO_memcmp(left.bytes, right.bytes, byteCount) == 0
  }
}

private func value(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  default: nil
  }
}
