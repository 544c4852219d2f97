// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file for readers that want a path.
struct ScratchFile: Sendable {
  let path: String

  init(path: String) { self.path = path }

  /// A file in the folder of this run, which lies in memory.
  init(name: String) { path = "\(environment("FLOW_FUZZ_SCRATCH"))/\(name)" }

  /// Replaces what is in it.
  func write(_ bytes: [UInt8]) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    expect(descriptor >= 0, "\(path) can be written")
    defer { close(descriptor) }
    expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "\(path) has room")
  }
}
