// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// The built executable, run with arguments; killed when a test leaves it behind.
final class Child {
  private let process: pid_t
  private let output: UnsafeMutablePointer<FILE>
  private var hasEnded = false

  init(_ arguments: [String]) throws {
    var pipe: [Int32] = [0, 0]
    try #require(Glibc.pipe(&pipe) == 0)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addclose(&actions, pipe[0])
    var words: [UnsafeMutablePointer<CChar>?] = (["flowd"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    try #require(posix_spawn(&process, try Self.path(), &actions, nil, &words, environ) == 0)
    close(pipe[1])
    self.process = process
    output = try #require(fdopen(pipe[0], "r"))
  }

  deinit {
    if !hasEnded {
      kill(process, SIGKILL)
      _ = exitStatus()
    }
    fclose(output)
  }

  /// The executable lies beside the one that runs the tests.
  private static func path() throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let runner = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    let folder = try #require(runner.lastIndex(of: "/").map { runner[..<$0] })
    return "\(folder)/flowd"
  }

  /// The next line of its output.
  func readLine() -> String? {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    guard getline(&line, &capacity, output) > 0, let line else { return nil }
    return String(String(cString: line).dropLast())
  }

  func signal(_ number: Int32) { kill(process, number) }

  /// Waits for its end; a negative number is the signal that ended it.
  func exitStatus() -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    hasEnded = true
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : -signal
  }
}
