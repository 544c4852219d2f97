// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// A folder that is removed when nobody holds it any more.
package final class TemporaryFolder: Sendable {
  /// Where it is: short, since a socket's path may have 107 bytes.
  package let path: String

  /// Makes a new, empty folder.
  package init() throws {
    var template = Array("/tmp/flowd-test-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { throw Child.Failure(call: "mkdtemp", code: errno) }
    self.path = String(cString: path)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}
