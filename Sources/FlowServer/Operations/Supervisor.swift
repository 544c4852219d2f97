// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The service manager that started the daemon: what `sd_notify` says, without libsystemd.
///
/// Each message is one datagram to the socket that `NOTIFY_SOCKET` names. It may be used by any thread.
public final class Supervisor: Sendable {
  /// How often the manager wants a sign of life, halved; nil if it wants none.
  let heartbeat: Duration?
  private let socket: Int32
  private let address: sockaddr_un
  private let length: socklen_t

  /// The manager that the environment names; nil if there is none.
  ///
  /// - Throws: an error if the socket's name is none.
  public init?(environment: [String: String]) throws(StartError) {
    guard let name = environment["NOTIFY_SOCKET"], !name.isEmpty else { return nil }
    guard name.hasPrefix("/") || name.hasPrefix("@"), name.utf8.count < 108 else {
      throw StartError(
        .configuration, "NOTIFY_SOCKET is \"\(name)\"; it must be a path, or an abstract name after @")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
    // An abstract name begins with a zero byte and ends where the address does.
    if name.hasPrefix("@") { address.sun_path.0 = 0 }
    let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    length = socklen_t(start + name.utf8.count + (name.hasPrefix("@") ? 0 : 1))
    self.address = address
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    socket = Glibc.socket(AF_UNIX, kind, 0)
    guard socket >= 0 else {
      throw StartError(.unavailable, "no socket for NOTIFY_SOCKET: \(String(cString: strerror(errno)))")
    }
    heartbeat = Self.heartbeat(environment)
  }

  deinit { close(socket) }

  /// Sends assignments such as `READY=1`, a line each; false if the manager did not take them.
  func tell(_ lines: String...) -> Bool {
    let message = Array(lines.joined(separator: "\n").utf8)
    var address = address
    let sent = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
    return sent == message.count
  }

  /// Says that the configuration is being read again, and since when; READY=1 must follow.
  func tellReloading() -> Bool {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return tell("RELOADING=1", "MONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
  }

  private static func heartbeat(_ environment: [String: String]) -> Duration? {
    guard let period = environment["WATCHDOG_USEC"].flatMap(Int.init), period > 0 else { return nil }
    // The variables are inherited: those of a parent are not meant for this process.
    if let process = environment["WATCHDOG_PID"], process != "\(getpid())" { return nil }
    return .microseconds(period / 2)
  }
}
