// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// A program that a test runs; killed when the test leaves it behind.
package final class Child {
  /// What a program left when it ended.
  package struct Ending {
    /// Its exit status; a negative number is the signal that ended it.
    package let status: Int32
    /// What it wrote to standard output and nobody had read.
    package let output: [UInt8]
    /// What it wrote to standard error.
    package let errors: String

    /// The output as text.
    package var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// A system call that should have succeeded.
  package struct Failure: Error {
    let call: String
    let code: Int32
  }

  private let process: pid_t
  private let output: UnsafeMutablePointer<FILE>
  private let errors: UnsafeMutablePointer<FILE>
  private var status: Int32?

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - program: the name of one of our executables, or a path.
  ///   - environment: added to what the tests themselves were given.
  package init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    let path = program.contains("/") ? program : Self.path(of: program)
    let words = [path] + arguments
    // The first of two variables of one name is the one that is found.
    let variables = environment.map { "\($0.key)=\($0.value)" } + Self.inherited
    let errors: UnsafeMutablePointer<FILE> = tmpfile()
    (process, output) = try spawning.withLock { _ in
      try spawn(path, words, variables, errors: fileno(errors))
    }
    self.errors = errors
  }

  deinit {
    if status == nil {
      signal(SIGKILL)
      _ = exitStatus()
    }
    fclose(output)
    fclose(errors)
  }

  /// Where one of our executables lies: beside the one that runs the tests.
  package static func path(of name: String) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let runner = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    return String(runner[...(runner.lastIndex(of: "/") ?? runner.startIndex)]) + name
  }

  /// The next line of its output; nil at the end.
  package func readLine() -> String? {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    guard getline(&line, &capacity, output) > 0, let line else { return nil }
    return String(String(cString: line).dropLast())
  }

  /// The next bytes of its output, fewer than `count` only at the end.
  package func read(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let received = fread(&bytes, 1, count, output)
    return Array(bytes.prefix(received))
  }

  /// Sends a signal.
  package func signal(_ number: Int32) { kill(process, number) }

  /// Waits for its end; a negative number is the signal that ended it.
  package func exitStatus() -> Int32 {
    if let status { return status }
    var word: Int32 = 0
    while waitpid(process, &word, 0) < 0, errno == EINTR {}
    let signal = word & 0x7F
    let status = signal == 0 ? word >> 8 & 0xFF : -signal
    self.status = status
    return status
  }

  /// What it has written to standard error by now.
  package var errorsSoFar: String {
    // Not read: the place where the child writes on is the same as ours.
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = pread(fileno(errors), &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// Reads to the end of its output, and waits for its end.
  package func end() -> Ending {
    let rest = readAll(output)
    let status = exitStatus()
    rewind(errors)
    return Ending(status: status, output: rest, errors: String(decoding: readAll(errors), as: UTF8.self))
  }

  /// What the tests themselves were given.
  private static var inherited: [String] {
    var variables: [String] = []
    var next = environ
    while let variable = next.pointee {
      variables.append(String(cString: variable))
      next += 1
    }
    return variables
  }
}

/// Held from the making of a pipe until its end for the child is closed: what another test starts meanwhile would
/// inherit that end, and the pipe would stay open for as long.
private let spawning = Mutex(())

/// Starts a program that writes into a new pipe, whose other end is returned.
private func spawn(
  _ path: String, _ words: [String], _ variables: [String], errors: Int32
) throws -> (pid_t, UnsafeMutablePointer<FILE>) {
  var ends: [Int32] = [0, 0]
  guard pipe(&ends) == 0 else { throw Child.Failure(call: "pipe", code: errno) }
  defer { close(ends[1]) }
  _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
  posix_spawn_file_actions_addclose(&actions, ends[1])
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  // The threads of a test block signals, and a child would begin with what its parent's thread blocks.
  var none = sigset_t()
  sigemptyset(&none)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
  var process: pid_t = 0
  let code = withStrings(words) { words in
    withStrings(variables) { posix_spawn(&process, path, &actions, &attributes, words, $0) }
  }
  guard code == 0 else {
    close(ends[0])
    throw Child.Failure(call: "posix_spawn \(path)", code: code)
  }
  return (process, fdopen(ends[0], "r"))
}

/// Lends strings as C wants them: an array of pointers that ends with nil.
private func withStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  let pointers = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}

private func readAll(_ file: UnsafeMutablePointer<FILE>) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer.prefix(count) }
  return bytes
}
