// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Testing

/// Plays Tests/Fixtures/conformance.json, whose README says what it means.
@Suite("Conformance vectors", .timeLimit(.minutes(3)))
struct ConformanceTests {
  /// One exchange with a daemon.
  struct Vector: Sendable, CustomTestStringConvertible {
    let name: String
    let steps: [JSONObject]
    var testDescription: String { name }
  }

  static let vectors: [Vector] = {
    let root = #filePath.components(separatedBy: "/Tests/")[0]
    guard let file = FileManager.default.contents(atPath: "\(root)/Tests/Fixtures/conformance.json"),
      case .object(let object)? = try? JSONValue(parsing: Array(file)),
      case .array(let list)? = object["vectors"]
    else { return [] }
    return list.compactMap { value in
      guard case .object(let vector) = value, case .string(let name)? = vector["name"],
        case .array(let steps)? = vector["steps"]
      else { return nil }
      return Vector(
        name: name, steps: steps.compactMap { if case .object(let step) = $0 { step } else { nil } })
    }
  }()

  @Test("there are vectors, and every one of them has steps")
  func found() {
    #expect(Self.vectors.count >= 35 && Self.vectors.allSatisfy { $0.steps.count >= 2 })
  }

  @Test("a daemon in this process answers as it should", arguments: vectors)
  func inProcess(vector: Vector) throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("tiny", in: folder.path)
    let catalogue = ModelDirectory(folder.path, manifest: VideoBundle.manifestName) { folder in
      .video(try VideoBundle.describe(folder: folder))
    } load: { folder in
      .video(try CausalVideoModel(folder: folder))
    }
    let daemon = try TestDaemon(catalogue: catalogue)
    try Play(daemon.daemon.endpoint).run(vector)
  }

  @Test("flowd as a process of its own, over TCP, answers as it should")
  func overTheNetwork() throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("tiny", in: folder.path)
    let flowd = try Child(
      "flowd",
      [
        "--models", folder.path, "--manifolds", "\(folder.path)/none", "--bind", "tcp://127.0.0.1:*",
        "--lease", "0.05",
      ])
    let line = try #require(flowd.readLine())
    let endpoint = try #require(line.split(separator: " ").last.map(String.init))
    let watcher = try TestClient(endpoint)
    for vector in Self.vectors {
      try Play(endpoint).run(vector)
      try watcher.awaitStatus { $0.sessions.isEmpty }
    }
    flowd.signal(SIGTERM)
    #expect(flowd.end().status == 0)
  }
}

/// A vector that is being played.
private final class Play {
  private let main: TestClient
  private let other: TestClient
  private var known: [String: JSONValue] = [:]

  init(_ endpoint: String) throws {
    main = try TestClient(endpoint)
    other = try TestClient(endpoint)
  }

  func run(_ vector: ConformanceTests.Vector) throws {
    for (index, step) in vector.steps.enumerated() {
      do {
        try play(step)
      } catch {
        Issue.record("\(vector.name), step \(index): \(error)")
        return
      }
    }
  }

  private func play(_ step: JSONObject) throws {
    let isOther = step["client"] == .string("other")
    if case .array(let parts)? = step["send"] {
      let bytes = parts.flatMap(part), isJoined = step["joined"] == .boolean(true)
      let message = isJoined ? [bytes.flatMap { $0 }] : bytes
      let isSent = isOther ? try other.socket.send(message) : try main.socket.send(message)
      if !isSent { throw Difference("a message could not be sent") }
    } else if case .object(let wanted)? = step["receive"] {
      let parts = try next(isOther, like: wanted)
      guard case .object(let found) = try JSONValue(parsing: parts[0]) else { throw Difference("no object") }
      try compare(.object(found), .object(wanted), "")
      if case .integer(let count)? = step["body"], parts.count != 2 || parts[1].count != Int(count) {
        throw Difference("a body of \(parts.dropFirst().map(\.count)) bytes, not \(count)")
      }
    }
  }

  /// The next message whose `op` is that of `wanted`.
  private func next(_ isOther: Bool, like wanted: JSONObject) throws -> [[UInt8]] {
    var passed: [String] = []
    while let parts = isOther ? try other.socket.receive() : try main.socket.receive() {
      guard case .object(let found) = try JSONValue(parsing: parts[0]) else { throw Difference("no object") }
      if found["op"] == wanted["op"] { return parts }
      passed.append(String(decoding: parts[0], as: UTF8.self))
    }
    throw Difference("nothing like \(wanted) came, but \(passed)")
  }

  /// The parts that a description of a part stands for.
  private func part(_ description: JSONValue) -> [[UInt8]] {
    guard case .object(let object) = description else { return [] }
    if case .string(let text)? = object["text"] { return [Array(filled(text).utf8)] }
    if case .string(let hex)? = object["hex"] {
      let digits = Array(hex)
      return [
        stride(from: 0, to: digits.count, by: 2).compactMap {
          UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
      ]
    }
    guard case .string(let fill)? = object["fill"], case .integer(let count)? = object["count"] else {
      return []
    }
    let bytes = Array(String(repeating: fill, count: Int(count)).utf8)
    guard case .integer(let times)? = object["times"] else { return [bytes] }
    return [[UInt8]](repeating: bytes, count: Int(times))
  }

  /// A text with the values that have been received.
  private func filled(_ text: String) -> String {
    known.reduce(text) { text, pair in
      let value = String(decoding: pair.value.serialised(), as: UTF8.self)
      return text.replacing("\"\(pair.key)\"", with: value).replacing(pair.key, with: value)
    }
  }

  private func compare(_ found: JSONValue?, _ wanted: JSONValue, _ path: String) throws {
    if case .string(let name) = wanted, name.hasPrefix("$") {
      guard let found else { throw Difference("\(path) is missing") }
      if let before = known[name], before != found { throw Difference("\(path) is \(found), not \(before)") }
      known[name] = found
    } else if case .object(let fields) = wanted {
      guard case .object(let object)? = found else { throw Difference("\(path) is no object") }
      for field in fields.members { try compare(object[field.name], field.value, "\(path).\(field.name)") }
    } else if found != wanted {
      throw Difference("\(path) is \(found.map { "\($0)" } ?? "missing"), not \(wanted)")
    }
  }
}

/// A message is not as a vector says.
private struct Difference: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
