// SPDX-License-Identifier: Apache-2.0

import FlowClient
import FlowDigest
import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

/// Runs the built `flowctl`, which lies beside the tests.
@Suite("The flowctl command")
struct CommandLineTests {
  @Test(
    "the help says what there is",
    arguments: [
      ("--help", ["generate-video", "generate-manifold", "models", "status", "keys", "Exit status: 0 done"]),
      (
        "generate-video --help",
        [
          "--model", "--frames", "--seconds", "--fps", "--seed", "--actions", "--actions-file",
          "--init-image", "--steps", "--scale", "--filter", "--crf", "--gop", "--format",
          "-o, --output", "--json", "--quiet", "--connect", "--timeout", "FLOWD_ENDPOINT", "--server-key",
          "FLOWD_SERVER_KEY", "--key-file", "FLOWD_KEY_FILE",
        ]
      ),
      (
        "generate-manifold --help",
        [
          "--model", "-n, --count", "--nfe", "--seed", "--start", "-t", "-s", "--trajectory", "--batch",
          "--format",
          "-o, --output", "--plot", "--json", "--quiet", "--connect", "--timeout",
        ]
      ),
      ("models --help", ["--json", "--connect"]), ("status --help", ["--json", "--connect"]),
    ])
  func help(arguments: String, words: [String]) throws {
    let (output, status) = try flowctl(arguments)
    #expect(status == 0)
    for word in words { #expect(output.contains(word)) }
  }

  @Test(
    "wrong usage is status 2 and says what is wrong",
    arguments: [
      ("nonsense", "nonsense"), ("generate-video -o a.mp4 --frames 3", "--model"),
      ("generate-video --model m -o a.mp4", "how long?"),
      ("generate-video --model m -o - --frames 3", "--format"),
      ("generate-video --model m -o a.mp4 --frames 0", "--frames 0"),
      ("generate-video --model m -o a.mp4 --frames 9223372036854775808", "9223372036854775808"),
      ("generate-video --model m -o a.mp4 --fps 35/0 --frames 1", "35/0"),
      ("generate-video --model m -o a.mp4 --actions left*x", "left*x"),
      ("generate-video --model m -o a.mp4 --actions a --actions-file b", "exclude each other"),
      ("generate-video --model m -o a.mp4 --actions-file /none", "cannot read /none"),
      ("generate-video --model m -o f.png --frames 1", "f.png"),
      ("generate-manifold --model m -o a.npy", "how many points?"),
      ("generate-manifold --model m -o a.npy -n 0", "how many points?"),
      ("generate-manifold --model m -o a.npy -n=-5", "how many points?"),
      ("generate-manifold --model m -o a.xyz -n 3", "does not say which format"),
      ("generate-manifold --model m -o a.npy -n 3 --nfe 0", "nfe is 0; give a value from 1 to 1000"),
      ("generate-manifold --model m -o a.npy -n 3 --nfe 1000000000", "nfe is 1000000000"),
      ("generate-manifold --model m -o a.npy -n 3 -t 0.2 -s 0.4", "s is 0.4 and t is 0.2"),
      ("generate-manifold --model m -o a.npy -n 3 -t 2", "t is 2.0"),
      ("generate-manifold --model m -o a.npy --start /none", "cannot read /none"),
      ("status --connect nowhere", "\"nowhere\" is no endpoint"), ("status --timeout 0", "timeout"),
    ])
  func usage(arguments: String, words: String) throws {
    let (output, status) = try flowctl(arguments)
    #expect(status == 2)
    #expect(output.contains(words))
  }

  @Test("a server that is not there is status 3", arguments: ["models", "status"])
  func unreachable(command: String) throws {
    let (output, status) = try flowctl("\(command) --timeout 0.1 --connect ipc:///none/socket")
    #expect(status == 3)
    #expect(output.contains("ipc:///none/socket"))
  }

  @Test("a video ends with its file, its digest and status 0", arguments: [true, false])
  func generates(isJSON: Bool) throws {
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      let (output, status) = try flowctl(
        "generate-video --model toy --frames 20 --seed 7 -o \(folder)/a.rgb --connect \(server.endpoint)"
          + (isJSON ? " --json" : ""))
      #expect(status == 0)
      let contents = FileManager.default.contents(atPath: folder + "/a.rgb").map(Array.init)
      #expect(contents == (0..<20).flatMap(fakeFrame))
      var digest = SHA256()
      digest.update((0..<20).flatMap(fakeFrame))
      let words = isJSON ? ["\"frames\":20,", "\"seed\":7,"] : ["20 frames of 2×1", "seed    7,"]
      for word in words + [digest.hexadecimal(), folder + "/a.rgb"] { #expect(output.contains(word)) }
    }
  }

  @Test("a pipe gets the bytes and nothing else")
  func pipes() throws {
    let server = FakeServer()
    defer { server.stop() }
    let (output, status) = try shell(
      "'\(path)' generate-video --model toy --frames 3 --format rgb24 -o - --connect \(server.endpoint)"
        + " 2>/dev/null | od -An -v -tu1")
    #expect(status == 0)
    let bytes = output.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0) }
    #expect(bytes == (0..<3).flatMap(fakeFrame))
  }

  @Test(
    "a refusal is status 4, a break 5",
    arguments: [(FakeServer.Fault.refuse(.notFound), ClientError.Kind.refused), (.failAfter(3), .broken)])
  func failures(fault: FakeServer.Fault, kind: ClientError.Kind) throws {
    let server = FakeServer(fault)
    defer { server.stop() }
    try inTemporaryFolder { folder in
      let (_, status) = try flowctl(
        "generate-video --model toy --frames 20 -o \(folder)/a.rgb --connect \(server.endpoint)")
      #expect(status == kind.rawValue)
    }
  }

  @Test(
    "a file that may not grow keeps whole frames and is status 73",
    .disabled(if: sanitizer == "thread", "the limit holds for the sanitizer's memory, too"))
  func limitedFile() throws {
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      // The shell counts in blocks, whatever their size: no multiple of them is a multiple of 6 bytes.
      let (output, status) = try shell(
        "ulimit -f 1; '\(path)' generate-video --model toy --frames 5000 -o \(folder)/a.rgb"
          + " --connect \(server.endpoint)")
      #expect(status == 73)
      #expect(output.contains("a.rgb.partial"))
      let kept = try #require(FileManager.default.contents(atPath: folder + "/a.rgb.partial"))
      #expect(!kept.isEmpty && kept.count % 6 == 0)
      #expect(Array(kept) == (0..<kept.count / 6).flatMap(fakeFrame))
    }
  }

  @Test("it links neither FFmpeg nor OpenBLAS nor oneDNN")
  func links() throws {
    let (output, status) = try shell("ldd '\(path)'")
    #expect(status == 0)
    #expect(output.contains("libzmq"))
    for library in ["libavcodec", "libavformat", "libswscale", "libopenblas", "libdnnl"] {
      #expect(!output.contains(library))
    }
  }

  private let path = Child.path(of: "flowctl")

  private func flowctl(_ arguments: String) throws -> (output: String, status: Int32) {
    try shell("'\(path)' \(arguments)")
  }

  /// Both outputs of a command, and its status.
  private func shell(_ command: String) throws -> (output: String, status: Int32) {
    let pipe = try #require(popen("set -f; \(command) 2>&1", "r"))
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
      bytes += buffer.prefix(count)
    }
    let status = pclose(pipe)
    // The exit status is the second byte of what wait returns.
    return (String(decoding: bytes, as: UTF8.self), status >> 8 & 0xFF)
  }
}
