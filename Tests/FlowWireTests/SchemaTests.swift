// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import FlowWire

/// Holds docs/protocol.schema.json against what is read and written here, and the conformance vectors.
@Suite("The schema of the protocol")
struct SchemaTests {
  static let schema: Result<JSONSchema, any Error> = Result {
    try JSONSchema(contents(of: "docs/protocol.schema.json"))
  }

  @Test("every operation has a definition, and every definition of a message an operation")
  func definitions() throws {
    let names = Set(try Self.schema.get().definitions.members.map { $0.name })
    let requests = Set(Request.operations.map { "request.\($0)" } + ["request.resume"])
    #expect(names.filter { $0.hasPrefix("request.") } == requests)
    #expect(Set(Self.requests.map(definition)) == requests)
    #expect(names.filter { $0.hasPrefix("reply.") } == Set(Self.replies.map(definition)))
  }

  @Test(
    "a schema is refused for what is not known in it, wherever that stands",
    arguments: [
      #"{"$defs":{},"pattern":"x"}"#, #"{"$defs":{"a":{"not":{"items":{"format":"uri"}}}}}"#,
      #"{"$defs":{},"minimum":"1"}"#, #"{"$defs":{},"type":"null"}"#, ##"{"$defs":{},"$ref":"#/$defs/a"}"##,
      #"{"$defs":{"a":[]}}"#, "{}",
    ])
  func unknownKeywords(text: String) {
    #expect(throws: JSONSchema.Unknown.self) { try JSONSchema(Array(text.utf8)) }
  }

  // MARK: - What is written

  @Test("a request that can be written is valid", arguments: requests)
  func validRequest(request: Request) throws {
    let header = try JSONValue(parsing: RequestMessage(id: "r1", request).parts()[0])
    for name in [definition(request), "request", nil] {
      let faults = try Self.schema.get().faults(in: header, as: name)
      #expect(faults.isEmpty, "\(faults)")
    }
  }

  @Test("a reply that can be written is valid", arguments: replies)
  func validReply(reply: Reply) throws {
    let header = try JSONValue(parsing: ReplyMessage(id: "r1", reply).header())
    for name in [definition(reply), "reply", nil] {
      let faults = try Self.schema.get().faults(in: header, as: name)
      #expect(faults.isEmpty, "\(faults)")
    }
  }

  // MARK: - What is spoiled

  @Test("whatever is done to one place of a request, schema and daemon agree about it", arguments: requests)
  func agreement(request: Request) throws {
    let schema = try Self.schema.get()
    let parts = RequestMessage(id: "r1", request).parts()
    for variant in variants(of: try JSONValue(parsing: parts[0]), Self.substitutes) {
      let header = variant.value.serialised()
      let error = refusal([header] + parts.dropFirst())
      let isValid = schema.faults(in: variant.value, as: "request").isEmpty
      let isUnseen = isValid && Self.unseenFields.contains(error?.field ?? "")
      #expect(
        isValid == (error == nil) || isUnseen,
        "\(String(decoding: header, as: UTF8.self)): \(error.map { $0.message } ?? "taken")")
    }
  }

  @Test("a request that the daemon refuses is invalid", arguments: refusedHeaders)
  func refusedRequest(header: String) throws {
    let text = Array(header.utf8)
    let faults = try Self.schema.get().faults(in: JSONValue(parsing: text), as: "request")
    #expect(refusal([text]) != nil)
    #expect(faults.isEmpty == Self.unseenHeaders.contains(header), "\(faults)")
  }

  @Test("a reply that lacks something, or has something else in one place, is invalid", arguments: replies)
  func spoiledPlace(reply: Reply) throws {
    let schema = try Self.schema.get()
    let header = try JSONValue(parsing: ReplyMessage(id: "r1", reply).header())
    // No place has -1, and none a list of an empty list.
    for variant in variants(of: header, [.integer(-1), .array([.array([])])]) {
      // Lists may be shorter.
      if variant.isLacking, variant.place.hasSuffix("]") { continue }
      let isOptional = Self.optionalFields.contains("\(reply.operation)\(variant.place)")
      let faults = schema.faults(in: variant.value, as: "reply")
      #expect(
        faults.isEmpty == (variant.isLacking && (isOptional || variant.place == ".id")),
        "\(variant.place): \(faults)")
    }
  }

  @Test("a reply with a word that is not known, or out of bounds, is invalid", arguments: spoiledReplies)
  func spoiledReply(reply: Reply, right: String, wrong: String) throws {
    let header = String(decoding: ReplyMessage(id: "r1", reply).header(), as: UTF8.self)
    let place = try #require(header.firstRange(of: right))
    let spoiled = Array((header[..<place.lowerBound] + wrong + header[place.upperBound...]).utf8)
    let faults = try Self.schema.get().faults(in: JSONValue(parsing: spoiled), as: "reply")
    #expect(!faults.isEmpty)
  }

  // MARK: - Conformance vectors

  @Test("a request of the conformance vectors is valid, unless the daemon refuses what it says")
  func vectorRequests() throws {
    let schema = try Self.schema.get()
    var validCount = 0
    var invalidCount = 0
    for (name, steps) in try vectors() {
      for (index, step) in steps.enumerated() {
        guard let sent = step["send"] else { continue }
        let answered = steps[index...].first { $0["receive"] != nil && $0["client"] == step["client"] }
        let answer = try #require(answered?["receive"]?.asObject)
        let isRefused = answer["op"] == .string("error")
        let code = answer["code"]?.asText ?? ""
        if isRefused, Self.refusalsOfBytes.contains(code) { continue }
        let text = Self.received.reduce(sent.asList.first?.asObject["text"]?.asText ?? "") { text, value in
          text.replacing(value.name, with: value.json)
        }
        let faults = schema.faults(in: try JSONValue(parsing: Array(text.utf8)), as: "request")
        let field = answer["field"]?.asText ?? ""
        let isOfState = !Self.refusalsOfState.isDisjoint(with: [code, "\(code) \(field)"])
        #expect(!text.contains("$") && faults.isEmpty == (!isRefused || isOfState), "\(name): \(faults)")
        if faults.isEmpty { validCount += 1 } else { invalidCount += 1 }
      }
    }
    #expect(validCount >= 32 && invalidCount >= 8)
  }

  @Test("a reply of the conformance vectors is valid, the fields that a vector does not show being there")
  func vectorReplies() throws {
    let schema = try Self.schema.get()
    let whole = try Self.replies.map { try JSONValue(parsing: ReplyMessage(id: "r1", $0).header()).asObject }
    var count = 0
    for (name, steps) in try vectors() {
      for case .object(let shown)? in steps.map({ $0["receive"] }) {
        count += 1
        let faults = whole.filter { $0["op"] == shown["op"] }.map {
          schema.faults(in: .object(completed(shown, by: $0)), as: "reply")
        }
        #expect(faults.contains { $0.isEmpty }, "\(name): \(faults)")
      }
    }
    #expect(count >= 83)
  }
}

private func definition(_ request: Request) -> String {
  if case .resume = request { "request.resume" } else { "request.\(request.operation)" }
}

/// The name of a reply's definition; a new case does not compile until it has one.
private func definition(_ reply: Reply) -> String {
  switch reply {
  case .opened: "reply.opened.video"
  case .openedPoints: "reply.opened.points"
  case .welcome, .capabilities, .models, .model, .queued, .snapshot, .frame, .points, .media,
    .controlAcknowledged, .progress, .end, .error, .status, .pong:
    "reply.\(reply.operation)"
  }
}

// MARK: - JSON

/// A value that differs from another in one place.
private struct Variant {
  let place: String
  let value: JSONValue
  /// Whether what was there is gone.
  let isLacking: Bool
}

/// The value with something left out, and with each of the others in its stead, at every place.
private func variants(of value: JSONValue, _ others: [JSONValue]) -> [Variant] {
  var all = others.filter { $0 != value }.map { Variant(place: "", value: $0, isLacking: false) }
  switch value {
  case .object(let object):
    for member in object.members {
      let place = ".\(member.name)"
      all.append(Variant(place: place, value: changed(object, member.name, nil), isLacking: true))
      for variant in variants(of: member.value, others) {
        all.append(
          Variant(
            place: place + variant.place, value: changed(object, member.name, variant.value),
            isLacking: variant.isLacking))
      }
    }
  case .array(let elements):
    for index in elements.indices {
      var list = elements
      list.remove(at: index)
      all.append(Variant(place: "[\(index)]", value: .array(list), isLacking: true))
      for variant in variants(of: elements[index], others) {
        list = elements
        list[index] = variant.value
        all.append(
          Variant(
            place: "[\(index)]\(variant.place)", value: .array(list), isLacking: variant.isLacking))
      }
    }
  default: break
  }
  return all
}

/// An object with another value of a member, or without it.
private func changed(_ object: JSONObject, _ name: String, _ value: JSONValue?) -> JSONValue {
  var changed = JSONObject()
  for member in object.members { changed.append(member.name, member.name == name ? value : member.value) }
  return .object(changed)
}

/// What a vector shows of a reply, with the other fields from a whole one, and its values for `$name`.
private func completed(_ shown: JSONObject, by whole: JSONObject) -> JSONObject {
  var reply = JSONObject()
  for member in whole.members where shown[member.name] == nil { reply.append(member.name, member.value) }
  for member in shown.members {
    switch (member.value, whole[member.name]) {
    case (.string(let text), let value) where text.hasPrefix("$"): reply.append(member.name, value)
    case (.object(let part), .object(let other)?):
      reply.append(member.name, .object(completed(part, by: other)))
    default: reply.append(member.name, member.value)
    }
  }
  return reply
}

/// Why the daemon refuses a message; nil if it takes it.
private func refusal(_ parts: [[UInt8]]) -> WireError? {
  do throws(RequestRejection) {
    _ = try RequestMessage(parts: parts)
    return nil
  } catch {
    return error.error
  }
}

/// The bytes of a file of the repository.
private func contents(of path: String) throws -> [UInt8] {
  let root = #filePath.components(separatedBy: "/Tests/")[0]
  return Array(try #require(FileManager.default.contents(atPath: "\(root)/\(path)")))
}

/// The conformance vectors: the name of each, and its steps.
private func vectors() throws -> [(name: String, steps: [JSONObject])] {
  let file = try JSONValue(parsing: contents(of: "Tests/Fixtures/conformance.json")).asObject
  return (file["vectors"]?.asList ?? []).map { vector in
    let steps = vector.asObject["steps"]?.asList ?? []
    return (name: vector.asObject["name"]?.asText ?? "", steps: steps.map { $0.asObject })
  }
}

extension JSONValue {
  fileprivate var asObject: JSONObject {
    if case .object(let object) = self { object } else { JSONObject() }
  }
  fileprivate var asList: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
  fileprivate var asText: String { if case .string(let text) = self { text } else { "" } }
}
