// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why a file could not be read or written: a stable code, the file, the tensor where one is at fault, and
/// a message that ends with the remedy.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The closed list of what can go wrong.
  public enum Code: String, Sendable {
    /// The file does not exist or may not be read.
    case unreadable
    /// The file ends before its header says.
    case truncated
    /// The header is not a safetensors header.
    case badHeader = "bad_header"
    /// The header describes a tensor that cannot be.
    case badTensor = "bad_tensor"
    /// The file lacks a tensor that was asked for.
    case missingTensor = "missing_tensor"
    /// A tensor is there with another type or shape than was asked for.
    case wrongShape = "wrong_shape"
    /// The file does not say what a tensor's digest should be.
    case missingDigest = "missing_digest"
    /// A tensor's bytes are not those that were written.
    case wrongDigest = "wrong_digest"
    /// A tensor holds a number that is not finite.
    case notFinite = "not_finite"
    /// The file cannot be made, written or put into place.
    case unwritable
  }

  /// What went wrong, for programs.
  public let code: Code
  /// The file, as it was named by the caller.
  public let path: String
  /// The tensor at fault, if it is one.
  public let tensor: String?
  /// What went wrong and what to do, for people; names neither file nor tensor.
  public let message: String

  init(_ code: Code, path: String, tensor: String? = nil, _ message: String) {
    self.code = code
    self.path = path
    self.tensor = tensor
    self.message = message
  }

  /// File, tensor and message on one line.
  public var description: String {
    guard let tensor else { return "\(path): \(message)" }
    return "\(path): tensor '\(tensor)': \(message)"
  }

  /// The failure of a system call, from `errno`, which must be read before anything else runs.
  static func system(_ code: Code, path: String, _ action: String, remedy: String) -> CheckpointError {
    let cause = String(cString: strerror(errno))
    return CheckpointError(code, path: path, "cannot \(action): \(cause); \(remedy)")
  }
}
