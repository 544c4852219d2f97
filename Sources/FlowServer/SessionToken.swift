// SPDX-License-Identifier: Apache-2.0

/// What proves that a connection may have a session: 128 random bits.
struct SessionToken: Sendable {
  private let bits: (UInt64, UInt64)

  /// A new token, of the system's random numbers.
  init() {
    var generator = SystemRandomNumberGenerator()
    bits = (generator.next(), generator.next())
  }

  /// 32 digits.
  var hexadecimal: String { Self.digits(bits.0) + Self.digits(bits.1) }

  /// Whether `text` is this token; takes as long whatever it is.
  func matches(_ text: String) -> Bool {
    let own = Array(hexadecimal.utf8), other = Array(text.utf8)
    guard own.count == other.count else { return false }
    return zip(own, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static func digits(_ word: UInt64) -> String {
    let text = String(word, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
