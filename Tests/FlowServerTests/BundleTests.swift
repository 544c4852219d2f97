// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Testing

@Suite("The executable with real bundles", .timeLimit(.minutes(1)))
struct BundleTests {
  /// What may have happened to a weights file.
  enum Damage: CaseIterable {
    case truncated, flipped, misshapen

    func apply(_ bytes: inout [UInt8]) throws {
      switch self {
      case .truncated: bytes.removeLast(40)
      case .flipped: bytes[bytes.count - 1] ^= 1
      case .misshapen: try replace("[1,2,2,4]", by: "[1,2,4,2]", in: &bytes)
      }
    }

    private func replace(_ old: String, by new: String, in bytes: inout [UInt8]) throws {
      let place = try #require(bytes.firstRange(of: Array(old.utf8)))
      bytes.replaceSubrange(place, with: Array(new.utf8))
    }
  }

  @Test(
    "SIGTERM in the middle of a stream ends it as drained and the process with status 0",
    arguments: [SIGTERM, SIGINT])
  func signalMidStream(number: Int32) throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("tiny", in: folder.path)
    let flowd = try Child(
      "flowd", ["--models", folder.path, "--manifolds", folder.path, "--bind", "ipc://\(folder.path)/s"])
    _ = flowd.readLine()
    let client = try TestClient("ipc://\(folder.path)/s")
    let session = try client.open(OpenRequest(model: "tiny", seed: 1, format: StreamFormat(.fmp4))).session
    for _ in 0..<3 {
      _ = try client.next()
      try client.send(.credit(CreditRequest(session: session, count: 1)))
    }
    flowd.signal(number)
    let stream = try client.collect(session)
    #expect(stream.end?.reason == .drained && (stream.end?.frames ?? 0) > 0)
    #expect(flowd.exitStatus() == 0)
  }

  @Test("a real network gives the same stream for the same seed and actions")
  func determinism() throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("tiny", in: folder.path)
    let flowd = try Child(
      "flowd", ["--models", folder.path, "--manifolds", folder.path, "--bind", "ipc://\(folder.path)/s"])
    _ = flowd.readLine()
    let client = try TestClient("ipc://\(folder.path)/s")
    let digests = try ([1, 1, 2] as [UInt64]).map { seed in
      let plan = ActionPlan.runs([try ActionRun("left", 5)])
      let open = try OpenRequest(model: "tiny", seed: seed, frames: 20, plan: plan)
      return try #require(try client.collect(client.open(open).session).end?.sha256)
    }
    #expect(digests[0] == digests[1] && digests[0] != digests[2])
    flowd.signal(SIGTERM)
    #expect(flowd.exitStatus() == 0)
  }

  @Test(
    "a damaged weights file is refused by name, and the other models are served", arguments: Damage.allCases)
  func damage(damage: Damage) throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("good", in: folder.path)
    try writeTinyBundle("bad", in: folder.path)
    let weights = URL(filePath: "\(folder.path)/bad/weights.safetensors")
    var bytes = [UInt8](try Data(contentsOf: weights))
    try damage.apply(&bytes)
    try Data(bytes).write(to: weights)
    let flowd = try Child(
      "flowd", ["--models", folder.path, "--manifolds", folder.path, "--bind", "ipc://\(folder.path)/s"])
    _ = flowd.readLine()
    let client = try TestClient("ipc://\(folder.path)/s")
    try client.send(.open(OpenRequest(model: "bad")), id: "r1")
    let message = try client.nextFailure()
    #expect(message.id == "r1" && message.failure.error.code == .modelFailed)
    #expect(message.failure.error.message.contains("tensor '"), "\(message.failure.error.message)")
    let session = try client.open(OpenRequest(model: "good", frames: 2)).session
    #expect(try client.collect(session).end?.frames == 2)
    flowd.signal(SIGTERM)
    #expect(flowd.exitStatus() == 0)
    let check = try Child("flowd", ["--models", folder.path, "--manifolds", folder.path, "--check"])
    #expect(check.exitStatus() == 65)
  }
}
