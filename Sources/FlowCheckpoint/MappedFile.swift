// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import Glibc

/// A whole file, opened once: mapped read-only to be lent, and read to be copied.
///
/// The pages stay those of the file that was opened even when its name is given to another file, which is
/// why files are replaced by renaming (`AtomicFile`) and never rewritten in place. Whoever does it all the same and makes
/// the file shorter ends a process that looks at a mapped page which is gone; a read says so instead. So what is copied
/// anyway is read, and what is mapped costs nothing until it is looked at.
///
/// Unchecked sendable: `bytes` is never written and lives as long as the object.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let path: String
  private let descriptor: Int32

  init(path: String) throws(CheckpointError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .system(.unreadable, path: path, "open", remedy: "check the path and its permissions")
    }
    do throws(CheckpointError) {
      bytes = try Self.map(descriptor, path: path)
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
  }

  private static func map(_ descriptor: Int32, path: String) throws(CheckpointError) -> UnsafeRawBufferPointer
  {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw CheckpointError(.unreadable, path: path, "not a regular file; name the file itself")
    }
    guard status.st_size > 0 else {
      throw CheckpointError(.truncated, path: path, "the file is empty; fetch or make it again")
    }
    let count = Int(status.st_size)
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw .system(.unreadable, path: path, "map", remedy: "check the memory limits of the process")
    }
    return UnsafeRawBufferPointer(start: address, count: count)
  }

  deinit {
    // Safe: `bytes` is what `mmap` returned, and nobody can hold it longer than this object.
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    close(descriptor)
  }

  /// Bytes of the file when it was opened.
  var count: Int { bytes.count }

  /// Reads the file's bytes from `start` on, as many as there is room for.
  ///
  /// Throws `.truncated` where the file has become shorter since it was opened.
  func read(from start: Int, into room: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
    var done = 0
    while done < room.count {
      let found = pread(descriptor, room.baseAddress! + done, room.count - done, off_t(start + done))
      if found < 0 && errno == EINTR { continue }
      guard found >= 0 else {
        throw .system(.unreadable, path: path, "read", remedy: "check the disk")
      }
      guard found > 0 else {
        throw CheckpointError(
          .truncated, path: path,
          "ends at byte \(start + done), and had \(count) when it was opened; put a whole file in its place by renaming"
        )
      }
      done += found
    }
  }

  /// The bytes of a range.
  func read(_ range: Range<Int>) throws(CheckpointError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    let outcome = bytes.withUnsafeMutableBytes { room in
      Result { () throws(CheckpointError) in try read(from: range.lowerBound, into: room) }
    }
    try outcome.get()
    return bytes
  }

  /// Bytes that a digest reads at a time.
  private static let piece = 1 << 18

  /// SHA-256 of a range, read piece by piece.
  func digest(_ range: Range<Int>) throws(CheckpointError) -> String {
    var hash = SHA256(), start = range.lowerBound
    while start < range.upperBound {
      let end = min(range.upperBound, start + Self.piece)
      hash.update(try read(start..<end))
      start = end
    }
    return hash.hexadecimal()
  }
}
