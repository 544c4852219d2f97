// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import Glibc
import Testing

/// The service manager's end of `NOTIFY_SOCKET`.
final class NotifySocket {
  /// What the variable says.
  let name: String
  private let socket: Int32

  /// Binds a socket at a path or, after @, at an abstract name.
  init(_ name: String) throws {
    self.name = name
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
    if name.hasPrefix("@") { address.sun_path.0 = 0 }
    let length = socklen_t(2 + name.utf8.count + (name.hasPrefix("@") ? 0 : 1))
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
    }
    try #require(status == 0, "bind \(name): \(String(cString: strerror(errno)))")
  }

  deinit { close(socket) }

  /// The next message, a line each; nil if none comes in time.
  func receive(milliseconds: Int = 20_000) -> [String]? {
    var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(socket, &buffer, buffer.count, 0)
    guard count >= 0 else { return nil }
    return String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Reads to the message that begins with `line`, and returns it and all before it.
  @discardableResult
  func await(_ line: String) throws -> [[String]] {
    let start = ContinuousClock.now
    var messages: [[String]] = []
    while messages.last?.first?.hasPrefix(line) != true {
      messages.append(try #require(receive(), "no \(line) came, only \(messages)"))
      // Heartbeats come for ever.
      try #require(start.duration(to: .now) < .seconds(20), "no \(line) among \(messages.count) messages")
    }
    return messages
  }
}
