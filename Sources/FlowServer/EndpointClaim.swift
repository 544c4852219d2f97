// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The right to listen at an endpoint, held until it goes out of scope.
///
/// libzmq removes whatever lies in an ipc socket's place, be it another daemon's socket or a letter to
/// grandmother. A lock beside the socket says whether a daemon lives there; the kernel gives it back when that
/// daemon dies.
struct EndpointClaim: ~Copyable {
  /// What an endpoint is for: the flag that names another.
  enum Purpose: String {
    case bind = "--bind"
    case observers = "--observers"
  }

  /// The group whose members the socket's folder lets in; nil if it lets in its user alone, or everybody.
  let group: UInt32?
  private let lock: Int32
  /// The file of the socket, which libzmq leaves behind; nil for tcp.
  private let path: String?

  /// Checks an endpoint, makes its folder for the user alone, and takes its lock.
  ///
  /// - Parameters:
  ///   - isOpen: whether tcp may be served to other machines.
  init(_ endpoint: String, _ purpose: Purpose, isOpen: Bool) throws(StartError) {
    if endpoint.hasPrefix("tcp://") {
      if !isOpen { try checkLoopback(endpoint) }
      (lock, path, group) = (-1, nil, nil)
    } else if endpoint.hasPrefix("ipc:///") {
      let path = String(endpoint.dropFirst("ipc://".count))
      lock = try claim(path, purpose.rawValue)
      self.path = path
      group = groupOfFolder(of: path)
    } else {
      throw StartError(
        .configuration,
        "cannot listen at \"\(endpoint)\"; write ipc:///path/to/socket or tcp://127.0.0.1:5757")
    }
  }

  deinit {
    guard let path else { return }
    unlink(path)
    close(lock)
  }
}

private func checkLoopback(_ endpoint: String) throws(StartError) {
  let host = endpoint.dropFirst("tcp://".count).prefix { $0 != ":" }
  guard LoopbackAddress.isOfVersion4(host) else {
    throw StartError(
      .configuration,
      "\(endpoint) is not on the loopback interface, and without a key anybody could read and use it; add --curve-key "
        + "and --users, or write tcp://127.0.0.1:PORT, or permit it with --insecure")
  }
}

private func claim(_ path: String, _ flag: String) throws(StartError) -> Int32 {
  try makeFolder(of: path, flag)
  try checkReplaceable(path, flag)
  let lock = open(path + ".lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
  guard lock >= 0 else {
    throw StartError(.cannotCreate, "\(path).lock: \(String(cString: strerror(errno)))")
  }
  guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
    close(lock)
    throw StartError(.busy, "another daemon listens at \(path); stop it or choose another \(flag)")
  }
  return lock
}

private func checkReplaceable(_ path: String, _ flag: String) throws(StartError) {
  var facts = stat()
  guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT != S_IFSOCK else { return }
  throw StartError(.cannotCreate, "\(path) is not a socket and will not be replaced; choose another \(flag)")
}

private func makeFolder(of path: String, _ flag: String) throws(StartError) {
  guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
  let folder = String(path[..<slash])
  guard mkdir(folder, 0o700) != 0 else { return }
  guard errno == EEXIST else {
    throw StartError(
      .cannotCreate, "the folder \(folder) cannot be made: \(String(cString: strerror(errno)))")
  }
  try checkFolder(folder, flag)
}

private func groupOfFolder(of path: String) -> UInt32? {
  var facts = stat()
  guard let slash = path.lastIndex(of: "/"), stat(String(path[..<slash]), &facts) == 0,
    facts.st_mode & S_IXGRP != 0, facts.st_mode & S_IXOTH == 0
  else { return nil }
  return facts.st_gid
}

/// Refuses a folder in which anybody could put another socket in the place of ours.
private func checkFolder(_ folder: String, _ flag: String) throws(StartError) {
  var facts = stat()
  guard stat(folder, &facts) == 0, facts.st_mode & S_IWOTH != 0, facts.st_mode & S_ISVTX == 0 else { return }
  throw StartError(
    .permission,
    "anybody may change the folder \(folder) and pass for the daemon; write chmod o-w \(folder), or choose "
      + "another \(flag)")
}
