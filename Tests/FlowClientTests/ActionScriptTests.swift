// SPDX-License-Identifier: Apache-2.0

import FlowClient
import Testing

@Suite("Scripts of actions")
struct ActionScriptTests {
  @Test(
    "a line of actions becomes runs",
    arguments: [
      ("forward*20,left*8,none", [("forward", 20), ("left", 8), ("none", 1)]),
      ("forward", [("forward", 1)]),
      (" left * 3 , forward+left ", [("left", 3), ("forward+left", 1)]),
      ("a*1000000", [("a", 1_000_000)]),
    ])
  func inline(text: String, runs: [(String, Int)]) throws {
    let expected = runs.map { ActionScript.Run(action: $0.0, count: $0.1) }
    let script = try ActionScript(inline: text)
    #expect(script.runs == expected)
    #expect(script.frames == runs.map(\.1).reduce(0, +))
  }

  @Test("a file has one run a line, and remarks")
  func lines() throws {
    let script = try ActionScript(lines: "# a walk\r\nforward 20\n\n  left\t8 # turn\nnone")
    #expect(script == (try ActionScript(inline: "forward*20,left*8,none")))
  }

  @Test("equal actions in a row become one run")
  func compacted() throws {
    let script = try ActionScript(inline: "a,a*2,b,a")
    #expect(script.compacted == (try ActionScript(inline: "a*3,b*1,a")))
    #expect(script.compacted.frames == script.frames)
  }

  @Test("a script too long for one message is refused before it is sent")
  func tooLong() throws {
    let text = Array(repeating: "forward,left", count: 3000).joined(separator: ",")
    let script = try ActionScript(inline: text)
    let error = #expect(throws: ClientError.self) {
      try VideoRequest(model: "toy", script: script, format: .rgb24)
    }
    #expect(error?.kind == .usage)
    #expect(error?.message.contains("65536") == true)
  }

  @Test(
    "what is wrong is quoted with its place",
    arguments: [
      ("", "action 1, \"\""), ("forward*20,,left", "action 2, \"\""),
      ("forward*0", "action 1, \"forward*0\""), ("left*-1", "\"left*-1\""),
      ("left*1000001", "\"left*1000001\""), ("left*", "\"left*\""), ("left*x", "\"left*x\""),
      ("left*2*3", "\"left*2*3\""), ("*4", "\"*4\""), ("ahead now", "\"ahead now\""),
      ("left*99999999999999999999", "\"left*99999999999999999999\""), ("links→", "\"links→\""),
    ])
  func wrongInline(text: String, quoted: String) {
    let error = #expect(throws: ClientError.self) { try ActionScript(inline: text) }
    #expect(error?.kind == .usage)
    #expect(error?.message.contains(quoted) == true)
  }

  @Test(
    "what is wrong in a file is quoted with its line",
    arguments: [
      ("forward 20\nleft eight", "line 2, \"left eight\""), ("left 3 4 # x", "line 1, \"left 3 4\""),
      ("forward*20", "line 1, \"forward*20\""), ("# nothing\n", "holds no action"),
    ])
  func wrongLines(text: String, quoted: String) {
    let error = #expect(throws: ClientError.self) { try ActionScript(lines: text) }
    #expect(error?.message.contains(quoted) == true)
  }
}
