// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// A running SHA-256 (FIPS 180-4), computed by libsodium.
///
/// A value: a copy continues on its own from where the original stood.
public struct SHA256: Sendable {
  private var state = crypto_hash_sha256_state()

  /// The digest of nothing yet.
  public init() { crypto_hash_sha256_init(&state) }

  /// Appends bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    crypto_hash_sha256_update(&state, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
  }

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of everything appended so far, as 64 lower-case hexadecimal digits.
  public func hexadecimal() -> String {
    var copy = state
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256_final(&copy, &digest)
    return hexadecimalText(digest)
  }
}

/// Two lower-case hexadecimal digits a byte.
func hexadecimalText(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
