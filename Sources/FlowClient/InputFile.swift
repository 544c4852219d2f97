// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Reads a file, or a pipe, that the command line names.
///
/// - Parameters:
///   - limit: the most bytes that it may have.
/// - Throws: ``ClientError`` of kind `usage`, naming the file.
public func readFile(_ path: String, limit: Int = 8 << 20) throws(ClientError) -> [UInt8] {
  let bytes: [UInt8]
  do throws(SystemError) {
    bytes = try readUpTo(limit + 1, path)
  } catch {
    throw ClientError(.usage, "cannot read \(path): \(error.message)")
  }
  guard bytes.count <= limit else {
    throw ClientError(.usage, "\(path) has more than \(limit) bytes")
  }
  return bytes
}

/// Reads until the end of the file, but no more than `count` bytes.
private func readUpTo(_ count: Int, _ path: String) throws(SystemError) -> [UInt8] {
  let file = Int32(try systemCall { Int(open(path, O_RDONLY | O_CLOEXEC)) })
  defer { close(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while bytes.count < count {
    let room = min(buffer.count, count - bytes.count)
    let received = try systemCall { read(file, &buffer, room) }
    guard received > 0 else { break }
    bytes += buffer.prefix(received)
  }
  return bytes
}
