// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// A running SHA-256 (FIPS 180-4), computed by OpenSSL with whatever instructions the processor has for it.
///
/// A value: a copy continues on its own from where the original stood.
public struct SHA256: Sendable {
  private var context = DigestContext()

  /// The digest of nothing yet.
  public init() {}

  /// Appends bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&context) { context = DigestContext(copying: context) }
    context.update(bytes)
  }

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of everything appended so far, as 64 lower-case hexadecimal digits.
  public func hexadecimal() -> String { hexadecimalText(DigestContext(copying: context).finish()) }
}

/// A context of OpenSSL's. It fails where there is no memory, or the library is without SHA-256.
///
/// Safe to send: whoever changes it is the only one that refers to it.
private final class DigestContext: @unchecked Sendable {
  private let handle: OpaquePointer

  init() {
    handle = newContext()
    require(EVP_DigestInit_ex(handle, EVP_sha256(), nil))
  }

  init(copying other: DigestContext) {
    handle = newContext()
    require(EVP_MD_CTX_copy_ex(handle, other.handle))
  }

  deinit { EVP_MD_CTX_free(handle) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    require(EVP_DigestUpdate(handle, bytes.baseAddress, bytes.count))
  }

  /// The digest, after which the context is used up.
  func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(EVP_MD_get_size(EVP_sha256()))) { digest, count in
      require(EVP_DigestFinal_ex(handle, digest.baseAddress, nil))
      count = digest.count
    }
  }

  private func require(_ done: Int32) {
    precondition(done == 1, "SHA256: OpenSSL refused")
  }
}

private func newContext() -> OpaquePointer {
  guard let context = EVP_MD_CTX_new() else { preconditionFailure("SHA256: no memory") }
  return context
}

/// Two lower-case hexadecimal digits a byte.
func hexadecimalText(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
