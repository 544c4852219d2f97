// SPDX-License-Identifier: Apache-2.0

import Dispatch
import FlowClient
import FlowDigest
import FlowWire
import FlowZeroMQ
import FoundationEssentials
import Synchronization

/// A peer that speaks the protocol over a real socket and can be told to break it.
final class FakeServer: Sendable {
  /// What the peer does wrong.
  enum Fault: Sendable, Equatable {
    case none
    case oldVersion
    case garbage
    case refuse(WireError.Code)
    /// After so many frames it says nothing more.
    case silentAfter(Int)
    /// After so many frames it says nothing more, but to whoever comes back.
    case deafAfter(Int)
    /// It leaves out the message with this number.
    case skip(Int)
    case wrongDigest
    /// After so many frames it reports an error and ends the stream.
    case failAfter(Int)
  }

  /// Where it listens.
  let endpoint: String
  private let fault: Fault
  private let isStopped = Atomic<Bool>(false)
  private let hasEnded = DispatchSemaphore(value: 0)
  private let requests = Mutex<[Request]>([])

  /// Starts to listen; returns when clients can connect.
  init(_ fault: Fault = .none) {
    self.fault = fault
    endpoint = "ipc://" + FileManager.default.temporaryDirectory.path + "/flow-\(UUID().uuidString)"
    let isBound = DispatchSemaphore(value: 0)
    DispatchQueue(label: "fake server").async { [self] in
      serve(isBound)
      hasEnded.signal()
    }
    isBound.wait()
  }

  /// What has been asked so far.
  var log: [Request] { requests.withLock { $0 } }

  /// The wish for a stream that came first.
  var opened: OpenRequest? {
    for case .open(let open) in log { return open }
    return nil
  }

  /// Stops listening and waits until that is so.
  func stop() {
    isStopped.store(true, ordering: .relaxed)
    hasEnded.wait()
  }

  private func serve(_ isBound: DispatchSemaphore) {
    do {
      let socket = try Socket(Context(), .router)
      try socket.bind(endpoint)
      isBound.signal()
      var stream = FakeStream(fault)
      while !isStopped.load(ordering: .relaxed) {
        var items = [PollItem(socket, .input)]
        guard try poll(&items, milliseconds: 5) > 0, let parts = try socket.receive(wait: false)
        else { continue }
        let message = try RequestMessage(parts: Array(parts.dropFirst()))
        requests.withLock { $0.append(message.request) }
        for answer in stream.answer(message) { _ = try socket.send([parts[0]] + answer) }
      }
    } catch {
      fatalError("FakeServer: \(error)")
    }
  }
}

/// What ``FakeServer`` answers: a stream of `rgb24` frames of 2 by 1 pixels, one a credit.
private struct FakeStream {
  private let fault: FakeServer.Fault
  private var digest = SHA256()
  private var wanted = 0
  private var sent = 0
  private var credit = 0
  private var isOver = true
  private var isResumed = false
  private var seed: UInt64 = 9
  private var steps = 1

  init(_ fault: FakeServer.Fault) { self.fault = fault }

  /// The messages that follow from a request, each as its parts.
  mutating func answer(_ message: RequestMessage) -> [[[UInt8]]] {
    switch message.request {
    case .hello:
      if fault == .garbage { return [[Array("?".utf8)]] }
      let versions = fault == .oldVersion ? [0] : [1]
      let welcome = Welcome(server: "fake", version: "0", versions: versions, limits: limits)
      return [parts(.welcome(welcome), id: message.id)]
    case .models: return [parts(.models([fakeModel]), id: message.id)]
    case .status: return [parts(.status(status), id: message.id)]
    case .open(let open): return begin(open, message.id)
    case .resume(let wish):
      guard case .deafAfter = fault else { return [] }
      (isResumed, credit) = (true, wish.credit)
      return [parts(.opened(opened(from: wish.firstSequence)), id: message.id)] + frames()
    case .credit(let more):
      credit += more.count
      return frames()
    case .cancel: return isOver ? [] : [end(.cancelled)]
    default: return []
    }
  }

  private mutating func begin(_ open: OpenRequest, _ id: String?) -> [[[UInt8]]] {
    if case .refuse(let code) = fault {
      return [parts(.error(Failure(WireError(code, "not today"))), id: id)]
    }
    wanted = open.total
    credit = open.credit
    isOver = false
    (seed, steps) = (open.seed ?? 9, open.video?.steps ?? 1)
    return [parts(.opened(opened(from: 0)), id: id)] + frames()
  }

  private func opened(from sequence: Int) -> Opened {
    Opened(
      session: "s", tenancy: Tenancy(token: "0f", nextSequence: sequence, isResumed: isResumed), model: "toy",
      modelDigest: "abc", width: 2, height: 1, rateNumerator: 35, rateDenominator: 1, seed: seed,
      steps: steps, frames: wanted, format: .rgb24, mediaType: "video/raw")
  }

  private mutating func frames() -> [[[UInt8]]] {
    var messages: [[[UInt8]]] = []
    while credit > 0, sent < wanted, !isOver {
      if fault == .silentAfter(sent) || fault == .deafAfter(sent) && !isResumed { return messages }
      if fault == .failAfter(sent) { return messages + fail() }
      let header = FrameHeader(
        session: "s", sequence: sent, width: 2, height: 1, action: "none", control: nil,
        generationMilliseconds: 1, isLast: sent + 1 == wanted)
      digest.update(fakeFrame(sent))
      if fault != .skip(sent) { messages.append(parts(.frame(header)) + [fakeFrame(sent)]) }
      sent += 1
      credit -= 1
    }
    return sent == wanted && !isOver ? messages + [end(.done)] : messages
  }

  private mutating func fail() -> [[[UInt8]]] {
    let failure = Failure(session: "s", WireError(.numerical, "not a number"))
    return [parts(.error(failure)), end(.error)]
  }

  private mutating func end(_ reason: StreamEnd.Reason) -> [[UInt8]] {
    isOver = true
    let sum = fault == .wrongDigest ? String(repeating: "0", count: 64) : digest.hexadecimal()
    return parts(
      .end(
        StreamEnd(
          session: "s", reason: reason, frames: sent, bytes: sent * 6, milliseconds: 1, sha256: sum)))
  }

  private func parts(_ reply: Reply, id: String? = nil) -> [[UInt8]] {
    [ReplyMessage(id: id, reply).header()]
  }

  private var limits: ServerLimits { ServerLimits(sessions: 2, idleMilliseconds: 60_000) }

  private var status: ServerStatus {
    ServerStatus(
      version: "0", uptimeMilliseconds: 1500, isDraining: false, limits: limits, sessions: [],
      models: [fakeModel], sessionsOpened: 3, framesGenerated: 99, pointsGenerated: 0)
  }
}

extension OpenRequest {
  /// What is wanted of a video model, if that is what is wanted.
  var video: VideoWish? { if case .video(let wish) = content { wish } else { nil } }
}

/// The pixels of a frame of ``FakeServer``.
func fakeFrame(_ index: Int) -> [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: index + $0) } }

/// The model of ``FakeServer``.
let fakeModel = ModelSummary(
  name: "toy",
  state: .ready(
    .video(
      VideoDetails(
        sha256: String(repeating: "ab", count: 32), width: 2, height: 1, framesPerSecond: 35,
        actions: ["none", "left"], defaultAction: "none", defaultSteps: 2, maximumSteps: 4,
        bytesPerStream: 1, dataLicence: "CC0"))))
