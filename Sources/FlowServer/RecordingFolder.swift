// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Glibc

/// The folder in which recordings lie; no path of a client leads out of it.
///
/// A path is walked name by name from the open folder, and no link is followed, so that neither a link that was
/// there before nor one that appears meanwhile can lead elsewhere. Folders are not made.
final class RecordingFolder: Sendable {
  private let descriptor: Int32

  /// Opens the folder, which must be there.
  init(_ path: String) throws(StartError) {
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StartError(
        .cannotCreate, "the folder for recordings \(path) cannot be opened: \(systemMessage()); make it first"
      )
    }
    guard faccessat(descriptor, ".", W_OK | X_OK, 0) == 0 else {
      let message = systemMessage()
      close(descriptor)
      throw StartError(.cannotCreate, "the folder for recordings \(path) cannot be written to: \(message)")
    }
  }

  deinit { close(descriptor) }

  /// Begins a recording under a name that nothing has.
  ///
  /// - Throws: an error for the client, which names `record.path`.
  func create(_ wish: RecordWish) throws(WireError) -> RecordingFile {
    var folder = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard folder >= 0 else { throw recordingFault(wish, systemMessage()) }
    for name in wish.components.dropLast() {
      let next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      let code = errno
      close(folder)
      guard next >= 0 else { throw folderFault(wish, name, code) }
      folder = next
    }
    return try RecordingFile(in: folder, wish)
  }
}

private func folderFault(_ wish: RecordWish, _ name: String, _ code: Int32) -> WireError {
  switch code {
  case ENOENT:
    WireError(
      .notFound, "record.path: the folder \(name) of \(wish.path) is not there; the operator can make it",
      field: "record.path")
  case ENOTDIR, ELOOP:
    WireError(
      .forbidden,
      "record.path: \(name) of \(wish.path) is no folder, and links are not followed; choose another",
      field: "record.path")
  default: recordingFault(wish, String(cString: strerror(code)))
  }
}

/// The system refused something to a recording.
func recordingFault(_ wish: RecordWish, _ message: String) -> WireError {
  WireError(.internal, "the recording \(wish.path): \(message)", field: "record.path")
}

/// What the system says about the call that failed last.
func systemMessage() -> String { String(cString: strerror(errno)) }
