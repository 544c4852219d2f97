// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Testing

/// A client of HTTP that knows one request.
struct HealthProbe: Sendable {
  /// What was answered.
  struct Answer: Equatable {
    let code: Int
    let body: String
  }

  /// Where the daemon tells how it is, `127.0.0.1:PORT`.
  let address: String

  /// Asks for a path.
  func get(_ path: String) throws -> Answer {
    let connection = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connection) }
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = inet_addr("127.0.0.1")
    place.sin_port = try #require(UInt16(address.split(separator: ":").last ?? "")).bigEndian
    let status = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0, "connect: \(String(cString: strerror(errno)))")
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
    try #require(send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
      bytes += buffer.prefix(count)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let head = try #require(text.firstRange(of: "\r\n\r\n"), "no answer from \(path): \(text)")
    let code = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    return Answer(code: code, body: String(text[head.upperBound...]))
  }

  /// Asks until the answer is as wanted, and returns it.
  @discardableResult
  func await(_ path: String, _ isWanted: (Answer) -> Bool) throws -> Answer {
    let start = ContinuousClock.now
    while true {
      let answer = try get(path)
      if isWanted(answer) { return answer }
      try #require(start.duration(to: .now) < .seconds(20), "\(path) still says \(answer)")
      sched_yield()
    }
  }

  /// The value of a series of a metric.
  func metric(_ series: String) throws -> Double? {
    try get("/metrics").body.split(separator: "\n").first { $0.hasPrefix("\(series) ") }
      .flatMap { Double($0.dropFirst(series.count + 1)) }
  }
}

/// Runs what waits for others on a thread of its own: Swift's threads, which are few, are those of the HTTP server.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue(label: "test").async { continuation.resume(with: Result(catching: body)) }
  }
}
