// SPDX-License-Identifier: Apache-2.0

import FlowWire
import Testing

@Suite("Wishes for recordings")
struct RecordTests {
  @Test(
    "a path inside the folder is taken, and its names are told",
    arguments: [
      ("a", ["a"]), ("a.mp4", ["a.mp4"]), ("a/b/c.mp4", ["a", "b", "c.mp4"]),
      ("a b/ü.mp4", ["a b", "ü.mp4"]),
      ("1/2/3/4/5/6/7/8", ["1", "2", "3", "4", "5", "6", "7", "8"]), ("a..b", ["a..b"]), ("a\\b", ["a\\b"]),
      (String(repeating: "n", count: 200), [String(repeating: "n", count: 200)]),
    ])
  func good(path: String, names: [String]) throws {
    let wish = try RecordWish(path: path)
    #expect(wish.path == path && wish.components == names)
  }

  static let badPaths = [
    "", "/", "/a", "/etc/passwd", "//a", "a//b", "a/", "..", "../a", "a/../b", "a/..", ".", "./a", "a/./b",
    ".a",
    "a/.b", "...", "1/2/3/4/5/6/7/8/9", "a.partial", "a/b.partial", ".partial", "a\u{0}b", "a\nb", "a\u{7F}",
    "a\u{85}b", String(repeating: "n", count: 201), String(repeating: "n", count: 300),
    "a/" + String(repeating: "ü", count: 150),
  ]

  @Test("a path that could lead elsewhere, or that no file could have, is refused", arguments: badPaths)
  func bad(path: String) {
    let error = #expect(throws: WireError.self) { try RecordWish(path: path) }
    #expect(error?.code == .badRequest && error?.field == "record.path")
    #expect(error?.message.contains("; ") == true, "there is no remedy in \(error?.message ?? "")")
  }

  @Test("a wish and what became of it travel")
  func travels() throws {
    var open = try OpenRequest(model: "doom", frames: 3)
    open.record = try RecordWish(path: "a/b.mp4")
    let request = RequestMessage(id: "r1", .open(open))
    #expect(try RequestMessage(parts: request.parts()) == request)
    #expect(
      try read(#"{"v":1,"op":"open","model":"doom","record":{"path":"a/b.mp4"},"frames":3}"#).request
        == .open(open))
    var end = StreamEnd(session: "s1", reason: .cancelled, frames: 1, bytes: 9, milliseconds: 5, sha256: "cd")
    end.recorded = RecordedFile(path: "a/b.mp4", bytes: 9)
    let reply = ReplyMessage(.end(end))
    #expect(try ReplyMessage(header: reply.header()) == reply)
    #expect(
      String(decoding: reply.header(), as: UTF8.self).contains(#""recorded":{"path":"a/b.mp4","bytes":9}"#))
  }

  @Test("a header beyond the limit is refused before anybody looks into it")
  func oversized() {
    // 65,537 bytes that are no JSON from the first one on: who parses them says bad_header.
    let garbage = [UInt8](repeating: 0xFF, count: WireLimits.headerBytes + 1)
    let tooLarge = #expect(throws: RequestRejection.self) { try RequestMessage(parts: [garbage]) }
    #expect(tooLarge?.error.code == .tooLarge)
    let bad = #expect(throws: RequestRejection.self) {
      try RequestMessage(parts: [Array(garbage.dropLast())])
    }
    #expect(bad?.error.code == .badHeader)
  }
}
