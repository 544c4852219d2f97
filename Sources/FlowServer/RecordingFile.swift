// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Glibc

/// A recording under way, called `NAME.partial` until it is whole.
///
/// It consists of whole messages of the stream at any time: one that could not be written is cut off.
final class RecordingFile {
  private let wish: RecordWish
  private let folder: Int32
  private let file: Int32
  private var bytes = 0
  private var isBroken = false

  private var name: String { wish.components[wish.components.count - 1] }
  private var partialName: String { name + RecordWish.partialSuffix }

  /// Makes a file; `folder` is closed with it.
  ///
  /// - Throws: an error for the client; `conflict` if something has the name already.
  init(in folder: Int32, _ wish: RecordWish) throws(WireError) {
    let name = wish.components[wish.components.count - 1]
    do throws(WireError) {
      var facts = stat()
      if fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 { throw taken(wish, wish.path) }
      let partial = name + RecordWish.partialSuffix
      file = openat(folder, partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard file >= 0 else {
        if errno == EEXIST { throw taken(wish, wish.path + RecordWish.partialSuffix) }
        throw recordingFault(wish, systemMessage())
      }
    } catch {
      close(folder)
      throw error
    }
    self.wish = wish
    self.folder = folder
  }

  deinit {
    close(file)
    close(folder)
  }

  /// Appends the body of a message.
  ///
  /// - Throws: an error for the client, once; from then on nothing is written and what is there is kept.
  func write(_ body: [UInt8]) throws(WireError) {
    guard !isBroken else { return }
    var written = 0
    while written < body.count {
      let count = body.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, body.count - written) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw breakOff(systemMessage()) }
      written += count
    }
    bytes += body.count
  }

  /// Writes nothing any more.
  ///
  /// - Returns: an error for the client; the stream itself goes on.
  func breakOff(_ message: String) -> WireError {
    isBroken = true
    // If even this fails, what was told first is what matters.
    _ = ftruncate(file, off_t(bytes))
    return WireError(
      .internal,
      "the recording \(wish.path) has ended after \(bytes) bytes: \(message); the stream goes on without it",
      field: "record")
  }

  /// Puts the file in its place once it is on the disk; a file without bytes is removed.
  ///
  /// - Throws: an error for the client; the file is then gone, or still called `NAME.partial`, as the error says.
  func finish() throws(WireError) -> RecordedFile? {
    guard bytes > 0 else {
      unlinkat(folder, partialName, 0)
      return nil
    }
    guard fsync(file) == 0 else {
      let message = systemMessage()
      unlinkat(folder, partialName, 0)
      throw recordingFault(wish, "the disk did not take it: \(message); it has been removed")
    }
    // A link, not rename, which would replace what may have got the name meanwhile.
    guard linkat(folder, partialName, folder, name, 0) == 0 else {
      throw recordingFault(
        wish,
        "it cannot get its name: \(systemMessage()); it is kept as \(wish.path)\(RecordWish.partialSuffix)")
    }
    unlinkat(folder, partialName, 0)
    fsync(folder)
    return RecordedFile(path: wish.path, bytes: bytes)
  }
}

private func taken(_ wish: RecordWish, _ path: String) -> WireError {
  WireError(
    .conflict, "record.path: \(path) is there already and is not replaced; choose another name",
    field: "record.path")
}
