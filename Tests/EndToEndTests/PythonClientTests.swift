// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FoundationEssentials
import Testing

extension EndToEnd {
  /// Runs tools/clients/python with the interpreter for which tools/setup installs pyzmq.
  @Suite("The Python client")
  struct PythonClient {
    @Test("it steers a stream, and flowctl with the actions that it took makes the same frames")
    func replay() throws {
      let stage = try Stage()
      let ending = try python([stage.endpoint, "tiny", "50"])
      try #require(ending.status == 0, "\(ending.text)\(ending.errors)")
      let lines = ending.text.split(separator: "\n")
      let actions = lines.compactMap { line in
        line.hasPrefix("frame ") ? line.split(separator: " ").last : nil
      }
      #expect(actions.count == 50 && Set(actions) == ["stay", "left"])
      let wish = "--frames 50 --seed 7 --actions \(actions.joined(separator: ",")) --format rgb24"
      let digest = try stage.generate(wish, output: "-").pipeReport().sha256
      #expect(lines.last?.hasPrefix("50 frames, sha256 \(digest), ") == true, "\(ending.text)")
      try stage.close()
    }

    @Test("it ends with status 1 and the daemon's words when it is refused")
    func refused() throws {
      let stage = try Stage()
      let ending = try python([stage.endpoint, "absent"])
      #expect(ending.status == 1 && ending.text.contains("not_found"), "\(ending.text)\(ending.errors)")
      try stage.close()
    }

    private func python(_ arguments: [String]) throws -> Child.Ending {
      let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      return try Child("/usr/bin/python3", [root.path + "/tools/clients/python/stream.py"] + arguments).end()
    }
  }
}
