// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowTestSupport
import FoundationEssentials
import Testing

/// What `flowctl generate-video --json` prints when it is done.
struct Report: Decodable {
  let frames: Int
  let bytes: Int
  let width: Int
  let height: Int
  let sha256: String
  let output: String?

  init(_ text: String) throws {
    self = try JSONDecoder().decode(Report.self, from: Data(text.utf8))
  }
}

extension Child.Ending {
  /// The report of a video that went into a file; a test fails if there is none.
  func report() throws -> Report {
    try #require(status == 0, "\(errors)")
    return try Report(text)
  }

  /// The report of a video that went into the pipe.
  func pipeReport() throws -> Report {
    try #require(status == 0, "\(errors)")
    return try Report(errors)
  }
}

/// SHA-256 in hexadecimal.
func sha256(_ bytes: [UInt8]) -> String {
  var digest = SHA256()
  digest.update(bytes)
  return digest.hexadecimal()
}
