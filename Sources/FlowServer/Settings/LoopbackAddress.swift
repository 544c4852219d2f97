// SPDX-License-Identifier: Apache-2.0

/// An address of this machine that no other can reach, and a port; port 0 takes any that is free.
struct LoopbackAddress: Equatable {
  /// The address without brackets.
  let host: String
  /// The port.
  let port: UInt16

  /// Reads `127.0.0.1:PORT`, or any other address of 127.0.0.0/8, or `[::1]:PORT`.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      return nil
    }
    let host = text[..<colon]
    if host == "[::1]" {
      self.host = "::1"
    } else {
      let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
      guard numbers.count == 4, numbers.allSatisfy({ $0 != nil }), numbers[0] == 127 else { return nil }
      self.host = String(host)
    }
    self.port = port
  }

  /// Whether the address is one of IP version 6.
  var isVersion6: Bool { host == "::1" }
}
