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
      guard Self.isOfVersion4(host) else { return nil }
      self.host = String(host)
    }
    self.port = port
  }

  /// Whether this is an address of 127.0.0.0/8.
  static func isOfVersion4(_ host: Substring) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    // A number with more digits than it needs would be one of base eight to others.
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { UInt8($0).map(String.init) == String($0) }
  }

  /// Whether the address is one of IP version 6.
  var isVersion6: Bool { host == "::1" }
}
