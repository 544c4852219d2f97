// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// A file that appears under its name complete and on disk, or not at all.
///
/// The bytes go to a file beside it that ends in `.partial`; `commit` makes them durable and renames it.
/// If `commit` is never reached, the partial file is removed and a file of that name stays what it was.
public struct AtomicFile: ~Copyable {
  private let path: String
  private let partialPath: String
  private var descriptor: Int32

  /// Sets this process's partial files apart.
  private static let serial = Atomic<Int>(0)

  /// Begins a file. Throws `.unwritable`.
  public init(path: String) throws(CheckpointError) {
    self.path = path
    let number = Self.serial.add(1, ordering: .relaxed).newValue
    partialPath = "\(path).\(getpid())-\(number).partial"
    // Not exclusive: a leftover of that very name is from a process that is gone.
    descriptor = open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .system(.unwritable, path: path, "make a file there", remedy: "check the folder")
    }
  }

  /// Writes a file of these bytes. Throws `.unwritable`.
  public static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
    var file = try AtomicFile(path: path)
    try file.append(bytes)
    try file.commit()
  }

  /// Appends bytes. Throws `.unwritable`.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.write(descriptor, part.baseAddress, part.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure("write") }
      rest = rest.dropFirst(count)
    }
  }

  /// Appends bytes. Throws `.unwritable`.
  public mutating func append(_ bytes: [UInt8]) throws(CheckpointError) {
    let outcome = bytes.withUnsafeBytes { buffer in
      Result<Void, CheckpointError> { () throws(CheckpointError) in try append(buffer) }
    }
    try outcome.get()
  }

  /// Makes the bytes durable and gives the file its name. Throws `.unwritable`.
  public consuming func commit() throws(CheckpointError) {
    guard fsync(descriptor) == 0 else { throw failure("write out") }
    guard rename(partialPath, path) == 0 else { throw failure("put the file into place") }
    close(descriptor)
    descriptor = -1
    try syncFolder()
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(partialPath)
  }

  /// Makes the new name durable.
  private borrowing func syncFolder() throws(CheckpointError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard handle >= 0 else { throw failure("open its folder") }
    defer { close(handle) }
    guard fsync(handle) == 0 else { throw failure("write out its folder") }
  }

  private borrowing func failure(_ action: String) -> CheckpointError {
    .system(.unwritable, path: path, action, remedy: "check the free space and the permissions of the folder")
  }
}
