// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A whole file mapped read-only.
///
/// The pages stay those of the file that was opened even when its name is given to another file, which is
/// why files are replaced by renaming (`AtomicFile`) and never rewritten in place.
///
/// Unchecked sendable: `bytes` is never written and lives as long as the object.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(path: String) throws(CheckpointError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .system(.unreadable, path: path, "open", remedy: "check the path and its permissions")
    }
    defer { close(descriptor) }
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
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  deinit {
    // Safe: `bytes` is what `mmap` returned, and nobody can hold it longer than this object.
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
  }
}
