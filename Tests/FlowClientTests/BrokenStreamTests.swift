// SPDX-License-Identifier: Apache-2.0

import FlowClient
import FlowWire
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@Suite("Streams that do not end well")
struct BrokenStreamTests {
  @Test(
    "what came before the break is kept and its place is told",
    arguments: [
      (FakeServer.Fault.silentAfter(3), 3, "no sign of the server"),
      (.skip(3), 3, "message 3 of the stream is missing"), (.wrongDigest, 5, "sha256"),
      (.failAfter(3), 3, "numerical: not a number"),
    ])
  func kept(fault: FakeServer.Fault, frames: Int, reason: String) throws {
    let server = FakeServer(fault)
    defer { server.stop() }
    try inTemporaryFolder { folder in
      let path = folder + "/out.rgb"
      var client = try connect(server)
      let wish = try shortRequest(5)
      var caught: ClientError?
      do throws(ClientError) { _ = try client.generate(wish, into: .file(path)) } catch { caught = error }
      let error = try #require(caught)
      #expect(error.kind == .broken)
      #expect(error.message.contains(reason))
      #expect(error.message.contains(path + ".partial"))
      let kept = FileManager.default.contents(atPath: path + ".partial")
      #expect(kept.map(Array.init) == (0..<frames).flatMap(fakeFrame))
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test(
    "a refusal names the code and leaves nothing behind",
    arguments: [WireError.Code.notFound, .sessionLimit, .badRequest])
  func refused(code: WireError.Code) throws {
    let server = FakeServer(.refuse(code))
    defer { server.stop() }
    try inTemporaryFolder { folder in
      var client = try connect(server)
      let wish = try shortRequest(5)
      var caught: ClientError?
      do throws(ClientError) { _ = try client.generate(wish, into: .file(folder + "/out.rgb")) } catch {
        caught = error
      }
      #expect(caught?.kind == .refused)
      #expect(caught?.message.contains(code.rawValue) == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test("a stream whose server has fallen silent goes on from another connection, and the file is whole")
  func comeBack() throws {
    let server = FakeServer(.deafAfter(3))
    defer { server.stop() }
    try inTemporaryFolder { folder in
      var client = try connect(server)
      let path = folder + "/out.rgb"
      let summary = try client.generate(shortRequest(7), into: .file(path))
      #expect(summary.frames == 7)
      #expect(FileManager.default.contents(atPath: path).map(Array.init) == (0..<7).flatMap(fakeFrame))
    }
    let wish = try ResumeRequest(session: "s", token: "0f", firstSequence: 3, takesOver: true)
    #expect(server.log.filter { if case .resume = $0 { true } else { false } } == [.resume(wish)])
  }

  @Test("a full disk ends the stream, and the server is told")
  func fullDisk() throws {
    let server = FakeServer()
    do {
      var client = try connect(server)
      let wish = try shortRequest(500)
      var caught: ClientError?
      do throws(ClientError) { _ = try client.generate(wish, into: .file("/dev/full")) } catch {
        caught = error
      }
      #expect(caught?.kind == .output)
      #expect(caught?.message.contains("/dev/full") == true)
      // The answer to this shows that what was sent before has arrived.
      _ = try client.status()
    }
    server.stop()
    #expect(server.log.contains(.cancel(.session("s"))))
  }

  @Test("an interruption cancels the stream, and what came is a finished file")
  func interrupted() throws {
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      let count = Atomic<Int>(0)
      var client = try connect(server, interruptions: { count.load(ordering: .relaxed) })
      let path = folder + "/out.rgb"
      let summary = try client.generate(shortRequest(100_000), into: .file(path)) {
        if $0.frames == 3 { count.store(1, ordering: .relaxed) }
      }
      #expect(summary.isInterrupted)
      #expect(summary.frames >= 3 && summary.frames < 100_000)
      let contents = FileManager.default.contents(atPath: path).map(Array.init)
      #expect(contents == (0..<summary.frames).flatMap(fakeFrame))
    }
  }

  @Test("a second interruption does not wait for the server")
  func interruptedTwice() throws {
    let server = FakeServer(.silentAfter(3))
    defer { server.stop() }
    try inTemporaryFolder { folder in
      let count = Atomic<Int>(0)
      var client = try connect(server, interruptions: { count.load(ordering: .relaxed) })
      let wish = try shortRequest(5)
      var caught: ClientError?
      do throws(ClientError) {
        _ = try client.generate(wish, into: .file(folder + "/out.rgb")) {
          if $0.frames == 3 { count.store(2, ordering: .relaxed) }
        }
      } catch { caught = error }
      #expect(caught?.kind == .interrupted)
      #expect(caught?.exitStatus == 130)
    }
  }

  @Test("a reader that leaves a pipe ends the stream without an error")
  func readerLeaves() throws {
    signal(SIGPIPE, SIG_IGN)
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      let pipe = folder + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      // Opened for both directions, so that the client's opening does not wait for a reader.
      let reader = open(pipe, O_RDWR | O_CLOEXEC)
      var client = try connect(server)
      let summary = try client.generate(shortRequest(100_000), into: .file(pipe)) {
        if $0.frames == 3 { close(reader) }
      }
      #expect(summary.frames < 100_000)
      #expect(!summary.isInterrupted)
    }
  }
}
