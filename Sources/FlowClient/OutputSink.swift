// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Takes the chunks of a stream, each of which leaves the output valid.
public protocol OutputSink: AnyObject {
  /// Writes one chunk, whole or not at all as far as the place allows.
  ///
  /// - Throws: ``OutputFailure``.
  func write(_ chunk: UnsafeRawBufferPointer) throws(OutputFailure)
  /// Writes over the first bytes, which were written before; does nothing where that cannot be.
  func replaceHead(_ head: [UInt8]) throws(OutputFailure)
  /// Puts the finished output where it was asked for; returns the path, nil for standard output.
  func finish() throws(OutputFailure) -> String?
  /// Gives up; returns the path of what is left for the user, nil if nothing is.
  func abandon() -> String?
}

extension OutputSink {
  /// Does nothing: what has gone into a pipe cannot be taken back.
  public func replaceHead(_ head: [UInt8]) throws(OutputFailure) {}
}

/// Why nothing more can be written.
public enum OutputFailure: Error, Sendable, Equatable {
  /// The reader of a pipe has left, which is its right: a clean end.
  case readerLeft
  /// The system refused to open the place.
  case notOpened(path: String, message: String)
  /// The system refused to write more.
  case failed(path: String, message: String, bytesWritten: Int)

  /// What the user should read; nil for a clean end.
  public var error: ClientError? {
    switch self {
    case .readerLeft: nil
    case .notOpened(let path, let message):
      ClientError(.output, "cannot write \(path): \(message)")
    case .failed(let path, let message, let bytes):
      ClientError(
        .output, "cannot write \(path): \(message) (\(bytes) bytes of whole chunks were written)")
    }
  }
}

/// Opens the place of an output before anything is asked of a server.
///
/// - Throws: ``OutputFailure``.
public func openSink(_ place: OutputTarget.Place) throws(OutputFailure) -> any OutputSink {
  switch place {
  case .standardOutput: StreamSink(standardOutput: "standard output")
  case .file(let path):
    if isSpecialFile(path) { try StreamSink(path: path) } else { try FileSink(path: path) }
  case .sequence(let pattern): try SequenceSink(pattern: pattern)
  }
}

/// A pipe, a terminal or a device: what is written cannot be taken back.
private final class StreamSink: OutputSink {
  private let name: String
  private let path: String?
  private let descriptor: Descriptor
  private var bytesWritten = 0

  init(standardOutput name: String) {
    self.name = name
    path = nil
    descriptor = .standardOutput
  }

  init(path: String) throws(OutputFailure) {
    name = path
    self.path = path
    descriptor = try failing(path, nil) { () throws(SystemError) in try Descriptor(creating: path) }
  }

  func write(_ chunk: UnsafeRawBufferPointer) throws(OutputFailure) {
    try failing(name, bytesWritten) { () throws(SystemError) in try descriptor.write(chunk) }
    bytesWritten += chunk.count
  }

  func finish() throws(OutputFailure) -> String? { path }
  func abandon() -> String? { nil }
}

/// A file that gets its name only when it is whole: until then it is called `NAME.partial`.
private final class FileSink: OutputSink {
  private let path: String
  private let descriptor: Descriptor
  private var bytesWritten = 0
  private var partialPath: String { path + ".partial" }

  init(path: String) throws(OutputFailure) {
    self.path = path
    descriptor = try failing(path, nil) { () throws(SystemError) in
      try Descriptor(creating: path + ".partial")
    }
  }

  func write(_ chunk: UnsafeRawBufferPointer) throws(OutputFailure) {
    do throws(SystemError) {
      try descriptor.write(chunk)
    } catch {
      // A chunk that was cut short would spoil the chunks before it. If even this fails, the
      // message of the first failure is the one that matters.
      try? descriptor.truncate(to: bytesWritten)
      throw .failed(path: path, message: error.message, bytesWritten: bytesWritten)
    }
    bytesWritten += chunk.count
  }

  func replaceHead(_ head: [UInt8]) throws(OutputFailure) {
    try failing(path, bytesWritten) { () throws(SystemError) in try descriptor.overwrite(head) }
  }

  func finish() throws(OutputFailure) -> String? {
    try failing(path, bytesWritten) { () throws(SystemError) in
      try descriptor.synchronize()
      try systemCall { Int(rename(partialPath, path)) }
    }
    return path
  }

  func abandon() -> String? {
    guard bytesWritten == 0 else { return partialPath }
    unlink(partialPath)
    return nil
  }
}

/// One file a chunk, numbered from zero.
private final class SequenceSink: OutputSink {
  private let pattern: FramePattern
  private var next = 0
  private var lastPath: String?

  /// Tries the place of the first file, so that an unwritable folder is found at once.
  init(pattern: FramePattern) throws(OutputFailure) {
    self.pattern = pattern
    _ = try FileSink(path: pattern.path(0)).abandon()
  }

  func write(_ chunk: UnsafeRawBufferPointer) throws(OutputFailure) {
    let file = try FileSink(path: pattern.path(next))
    do throws(OutputFailure) {
      try file.write(chunk)
      lastPath = try file.finish()
    } catch {
      _ = file.abandon()
      throw error
    }
    next += 1
  }

  func finish() throws(OutputFailure) -> String? { lastPath }
  func abandon() -> String? { lastPath }
}

/// Runs a system call for the output called `name`; nil bytes mean that it is not open yet.
private func failing<Result: ~Copyable>(
  _ name: String, _ bytesWritten: Int?, _ body: () throws(SystemError) -> Result
) throws(OutputFailure) -> Result {
  do throws(SystemError) {
    return try body()
  } catch {
    if error.code == EPIPE { throw .readerLeft }
    guard let bytesWritten else { throw .notOpened(path: name, message: error.message) }
    throw .failed(path: name, message: error.message, bytesWritten: bytesWritten)
  }
}
