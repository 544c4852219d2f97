// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowServer
import FlowWire
import Synchronization
import Testing

@Suite("Models that are loaded, loaded anew and let go while others are served", .timeLimit(.minutes(1)))
struct ModelRequestTests {
  /// A model whose files change: its width tells which version was loaded, 0 that it is broken.
  final class Changing: ModelCatalogue {
    let width = Mutex(16)
    let loads = Mutex(0)

    func names() -> [String] { ["changing"] }

    func describe(_ name: String) throws -> ServedModelDescription { try load(name).description }

    func load(_ name: String) throws -> ServedModel {
      loads.withLock { $0 += 1 }
      let width = width.withLock { $0 }
      if width == 0 { throw BrokenBundle() }
      return .video(PatternModel(name, width: width))
    }
  }

  private func ask(_ wish: ModelRequest.Wish, _ client: borrowing TestClient) throws -> Reply {
    try client.send(.model(ModelRequest(wish, "changing")), id: "m")
    let message = try client.next()
    #expect(message.id == "m")
    return message.reply
  }

  private func width(_ reply: Reply) -> Int? {
    guard case .model(let summary) = reply, case .video(let details)? = summary.details else { return nil }
    return details.width
  }

  @Test("a model loaded anew serves new streams, and those that run keep the old one")
  func reload() throws {
    let catalogue = Changing(), daemon = try TestDaemon(catalogue: catalogue), client = try daemon.connect()
    #expect(width(try ask(.load, client)) == 16)
    let old = try client.open(OpenRequest(model: "changing", seed: 1, credit: 1))
    _ = try client.next()
    catalogue.width.withLock { $0 = 32 }
    #expect(width(try ask(.load, client)) == 16, "it was there")
    #expect(width(try ask(.reload, client)) == 32)
    let new = try client.open(OpenRequest(model: "changing", seed: 1, frames: 1))
    #expect(old.width == 16 && new.width == 32)
    while true { if case .end = try client.next().reply { break } }
    try client.send(.credit(CreditRequest(session: old.session, count: 1)))
    guard case .frame(let frame) = try client.next().reply else { throw Unexpected(.pong) }
    #expect(frame.width == 16)
  }

  @Test("a model whose new files are no good stays as it is, and why is told")
  func failedReload() throws {
    let catalogue = Changing(), daemon = try TestDaemon(catalogue: catalogue), client = try daemon.connect()
    #expect(width(try ask(.load, client)) == 16)
    catalogue.width.withLock { $0 = 0 }
    guard case .error(let failure) = try ask(.reload, client) else { throw Unexpected(.pong) }
    #expect(failure.error.code == .modelFailed && failure.error.message.contains("blocks.3.mlp.weight"))
    #expect(try client.open(OpenRequest(model: "changing", frames: 1)).width == 16)
  }

  @Test("a model that is used is not let go; one that is not is, and loaded again when it is wanted")
  func unload() throws {
    let catalogue = Changing(), daemon = try TestDaemon(catalogue: catalogue), client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "changing", credit: 1)).session
    _ = try client.next()
    guard case .error(let failure) = try ask(.unload, client) else { throw Unexpected(.pong) }
    #expect(failure.error.code == .conflict && failure.error.retryable)
    try client.send(.cancel(.session(session)))
    _ = try client.nextEnd()
    guard case .model(let summary) = try ask(.unload, client) else { throw Unexpected(.pong) }
    #expect(summary.state == .absent)
    #expect(summary.details != nil, "its files say what it is")
    let loads = catalogue.loads.withLock { $0 }
    _ = try client.open(OpenRequest(model: "changing", frames: 1))
    #expect(catalogue.loads.withLock { $0 } > loads)
  }

  @Test("a model that is not there is refused by name")
  func unknown() throws {
    let client = try TestDaemon().connect()
    try client.send(.model(ModelRequest(.load, "nothing")))
    #expect(try client.nextFailure().failure.error.field == "model")
  }

  /// Models of some size.
  struct Sized: ModelCatalogue {
    let sizes: [String: Int]

    func names() -> [String] { sizes.keys.sorted() }

    func describe(_ name: String) throws -> ServedModelDescription { try load(name).description }

    func load(_ name: String) throws -> ServedModel {
      .video(PatternModel(name, residentBytes: sizes[name] ?? 0))
    }
  }

  @Test(
    "of models that do not fit into memory together the one goes that was used longest ago, and none in use")
  func memory() throws {
    let daemon = try TestDaemon(catalogue: Sized(sizes: ["a": 100, "b": 100, "c": 100, "huge": 300])) {
      $0.modelMemory = 200
      $0.preload = .names([])
    }
    let client = try daemon.connect()
    func states() throws -> [String] {
      try client.status().models.filter { if case .ready = $0.state { true } else { false } }.map(\.name)
    }
    let stream = try client.open(OpenRequest(model: "a", credit: 1)).session
    _ = try client.next()
    try client.send(.open(OpenRequest(model: "b", frames: 1)))
    while true { if case .end = try client.next().reply { break } }
    #expect(try states() == ["a", "b"])
    try client.send(.model(ModelRequest(.load, "c")))
    guard case .model = try client.next().reply else { throw Unexpected(.pong) }
    #expect(try states() == ["a", "c"], "a is in use")
    _ = try client.open(OpenRequest(model: "c", credit: 1))
    _ = try client.next()
    try client.send(.model(ModelRequest(.load, "b")))
    let full = try client.nextFailure().failure.error
    #expect(full.code == .modelFailed && full.message.contains("no memory for b"))
    try client.send(.cancel(.session(stream)))
    #expect(try client.nextEnd().session == stream)
    try client.send(.model(ModelRequest(.load, "huge")))
    #expect(try client.nextFailure().failure.error.message.contains("model-memory"))
  }

  @Test("models of the start for which there is no memory do not keep a daemon from being ready")
  func preloadWithoutRoom() async {
    // A process of its own: the HTTP server needs Swift's threads, which tests that wait keep from it.
    await #expect(processExitsWith: .success) {
      try await onThread {
        let daemon = try TestDaemon(catalogue: Sized(sizes: ["a": 100, "b": 150])) {
          $0.modelMemory = 200
          $0.httpAddress = "127.0.0.1:0"
        }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        try probe.await("/readyz") { $0.code == 200 }
      }
    }
  }

  @Test("a model that is being loaded anew is not let go")
  func unloadDuringReload() throws {
    let gate = Gate(), daemon = try TestDaemon(catalogue: Gated(gate: gate)) { $0.preload = .names([]) }
    let client = try daemon.connect()
    gate.open(1)
    try client.send(.model(ModelRequest(.load, "gated")), id: "l")
    _ = try client.next()
    try client.send(.model(ModelRequest(.reload, "gated")), id: "r")
    try client.send(.model(ModelRequest(.unload, "gated")), id: "u")
    let refused = try client.nextFailure()
    #expect(refused.id == "u" && refused.failure.error.code == .conflict)
    gate.open(1)
    #expect(try client.next().id == "r")
    try client.send(.model(ModelRequest(.unload, "gated")), id: "u")
    guard case .model(let summary) = try client.next().reply else { throw Unexpected(.pong) }
    #expect(summary.state == .absent)
  }

  @Test("a broken model that has been removed is not missed")
  func removed() throws {
    let catalogue = Vanishing(), daemon = try TestDaemon(catalogue: catalogue), client = try daemon.connect()
    try client.awaitStatus { status in
      status.models.contains { if case .failed = $0.state { true } else { false } }
    }
    catalogue.isThere.withLock { $0 = false }
    #expect(try client.status().models.isEmpty)
  }

  /// A model that a gate lets be loaded.
  struct Gated: ModelCatalogue {
    let gate: Gate
    func names() -> [String] { ["gated"] }
    func describe(_ name: String) throws -> ServedModelDescription { .video(PatternModel(name).description) }
    func load(_ name: String) throws -> ServedModel {
      gate.pass()
      return .video(PatternModel(name))
    }
  }

  /// A broken model that may be removed.
  final class Vanishing: ModelCatalogue {
    let isThere = Mutex(true)
    func names() -> [String] { isThere.withLock { $0 } ? ["broken"] : [] }
    func describe(_ name: String) throws -> ServedModelDescription { throw BrokenBundle() }
    func load(_ name: String) throws -> ServedModel { throw BrokenBundle() }
  }
}
