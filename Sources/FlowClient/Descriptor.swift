// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A call to the system failed.
struct SystemError: Error, Equatable {
  let code: Int32

  var message: String { String(cString: strerror(code)) }
}

/// Runs a system call again while it is interrupted; the only place that looks at `errno`.
@discardableResult
func systemCall(_ body: () -> Int) throws(SystemError) -> Int {
  while true {
    let result = body()
    if result >= 0 { return result }
    guard errno == EINTR else { throw SystemError(code: errno) }
  }
}

/// The sole owner of a file descriptor open for writing.
struct Descriptor: ~Copyable {
  let number: Int32
  private let isOwned: Bool

  /// Standard output, which is not ours to close.
  static var standardOutput: Descriptor { Descriptor(number: STDOUT_FILENO, isOwned: false) }

  /// Opens `path`, emptying what is there.
  init(creating path: String) throws(SystemError) {
    number = Int32(
      try systemCall { Int(Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)) })
    isOwned = true
  }

  private init(number: Int32, isOwned: Bool) {
    self.number = number
    self.isOwned = isOwned
  }

  deinit { if isOwned { close(number) } }

  /// Writes all bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let count = rest.count
      let written = try systemCall { Glibc.write(number, start, count) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Writes over the first bytes of a file.
  func overwrite(_ head: [UInt8]) throws(SystemError) {
    var written = 0
    while written < head.count {
      written += try systemCall {
        head.withUnsafeBytes {
          pwrite(number, $0.baseAddress! + written, head.count - written, off_t(written))
        }
      }
    }
  }

  /// Forgets what lies behind the first `count` bytes.
  func truncate(to count: Int) throws(SystemError) {
    try systemCall { Int(ftruncate(number, count)) }
  }

  /// Waits until the bytes are on the disk.
  func synchronize() throws(SystemError) {
    try systemCall { Int(fsync(number)) }
  }
}

/// Whether something other than a regular file is at `path`: a device, a pipe.
func isSpecialFile(_ path: String) -> Bool {
  var information = stat()
  guard stat(path, &information) == 0 else { return false }
  return information.st_mode & S_IFMT != S_IFREG
}
