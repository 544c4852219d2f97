// SPDX-License-Identifier: Apache-2.0

import FlowClient
import FlowWire
import Testing

@Suite("What messages of a stream mean")
struct VideoSessionTests {
  private let opened = Opened(
    session: "s", tenancy: Tenancy(token: "0f"), model: "toy", modelDigest: "abc", width: 2, height: 1,
    rateNumerator: 35,
    rateDenominator: 1, seed: 1, steps: 1, frames: 9, format: .fmp4, mediaType: "video/mp4")

  @Test("media count the frames that they show")
  func media() throws {
    var session = try begun()
    for (sequence, frames) in [(0, 0), (1, 8), (2, 1)] {
      let step = try session.receive(media(sequence, frames), bodyCount: 1)
      #expect(step == .write)
    }
    #expect(session.frames == 9)
  }

  @Test("what belongs to another session or request is ignored")
  func foreign() throws {
    var session = VideoSession(request: "1")
    let messages: [ReplyMessage] = [
      ReplyMessage(id: "2", .opened(opened)), media(0, 1), end(.done),
      ReplyMessage(id: "2", .error(Failure(WireError(.notFound, "x")))), ReplyMessage(.pong),
    ]
    for message in messages { #expect(try session.receive(message, bodyCount: 1) == .wait) }
    #expect(session.opened == nil)
  }

  @Test("a repeated, a missing and an empty message break the stream", arguments: [(0, 1), (2, 1), (1, 0)])
  func sequence(sequence: Int, bodyCount: Int) throws {
    var session = try begun()
    _ = try session.receive(media(0, 1), bodyCount: 1)
    var kind: ClientError.Kind?
    do throws(ClientError) {
      _ = try session.receive(media(sequence, 1), bodyCount: bodyCount)
    } catch { kind = error.kind }
    #expect(kind == (bodyCount == 0 ? .misbehaved : .broken))
  }

  @Test(
    "an end is good if it was wanted",
    arguments: [
      (StreamEnd.Reason.done, false, true), (.done, true, true), (.cancelled, true, true),
      (.cancelled, false, false), (.drained, false, false), (.idle, true, false), (.lease, false, false),
      (.error, false, false),
    ])
  func ends(reason: StreamEnd.Reason, isCancelled: Bool, isGood: Bool) throws {
    var session = try begun()
    if isCancelled { session.cancel() }
    let message = end(reason)
    if isGood {
      let step = try session.receive(message, bodyCount: 0)
      guard case .finish = step else {
        Issue.record("\(step)")
        return
      }
    } else {
      var caught: ClientError?
      do throws(ClientError) { _ = try session.receive(message, bodyCount: 0) } catch { caught = error }
      #expect(caught?.kind == .broken)
      #expect(caught?.message.contains(reason.rawValue) == true)
    }
  }

  @Test("the server's complaint explains the end that follows it")
  func complaint() throws {
    var session = try begun()
    let failure = Failure(session: "s", WireError(.encoder, "out of breath"))
    #expect(try session.receive(ReplyMessage(.error(failure)), bodyCount: 0) == .wait)
    var caught: ClientError?
    do throws(ClientError) { _ = try session.receive(end(.error), bodyCount: 0) } catch { caught = error }
    #expect(caught?.message.contains("encoder: out of breath") == true)
  }

  @Test("a request that the server could not read is refused although its name is missing")
  func nameless() {
    var session = VideoSession(request: "1")
    var kind: ClientError.Kind?
    do throws(ClientError) {
      let failure = Failure(WireError(.badHeader, "what?"))
      _ = try session.receive(ReplyMessage(.error(failure)), bodyCount: 0)
    } catch { kind = error.kind }
    #expect(kind == .refused)
  }

  @Test("an interruption before the stream began is no refusal", arguments: [true, false])
  func early(isCancelled: Bool) {
    var session = VideoSession(request: "1")
    if isCancelled { session.cancel() }
    var kind: ClientError.Kind?
    do throws(ClientError) {
      let failure = Failure(WireError(.cancelled, "as you wish"))
      _ = try session.receive(ReplyMessage(id: "1", .error(failure)), bodyCount: 0)
    } catch { kind = error.kind }
    #expect(kind == (isCancelled ? .interrupted : .refused))
  }

  private func begun() throws(ClientError) -> VideoSession {
    var session = VideoSession(request: "1")
    _ = try session.receive(ReplyMessage(id: "1", .opened(opened)), bodyCount: 0)
    return session
  }

  private func media(_ sequence: Int, _ frames: Int) -> ReplyMessage {
    ReplyMessage(
      .media(
        MediaHeader(
          session: "s", sequence: sequence, kind: .segment, mediaType: "video/mp4", firstFrame: 0,
          frames: frames, isKey: true)))
  }

  private func end(_ reason: StreamEnd.Reason) -> ReplyMessage {
    ReplyMessage(
      .end(
        StreamEnd(session: "s", reason: reason, frames: 9, bytes: 1, milliseconds: 1, sha256: "")))
  }
}
