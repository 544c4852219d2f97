// SPDX-License-Identifier: Apache-2.0

/// A request as it travels: part 0 is the header, part 1 the bytes of an image or of points where there are any.
public struct RequestMessage: Sendable, Equatable {
  /// The client's name for the request, echoed in the answer.
  public let id: String?
  /// What is asked.
  public let request: Request

  /// A request named `id`.
  public init(id: String? = nil, _ request: Request) {
    if case .cancel(.request(let open)) = request {
      precondition(id == nil || id == open, "cancel by the id of an open cannot have another id")
      self.id = open
    } else {
      self.id = id
    }
    self.request = request
  }

  /// What part 0 says.
  public var header: JSONObject {
    var header = JSONObject()
    header.append("v", WireLimits.version)
    header.append("op", request.operation)
    header.append("id", id)
    request.append(to: &header)
    return header
  }

  /// The parts to send.
  public func parts() -> [[UInt8]] {
    let parts = [JSONValue.object(header).serialised()]
    guard case .open(let open) = request, let body = open.body else { return parts }
    return parts + [body]
  }

  /// Reads and checks the parts of a request; nothing that a client sends gets further than this.
  ///
  /// Fields that the protocol does not name are ignored.
  public init(parts: [[UInt8]]) throws(RequestRejection) {
    let fields: FieldReader
    do throws(WireError) {
      fields = try readHeader(parts)
    } catch {
      throw RequestRejection(id: nil, session: nil, error: error)
    }
    do throws(WireError) {
      try self.init(fields, body: parts.count > 1 ? parts[1] : nil)
    } catch {
      throw RequestRejection(id: echo("id", fields), session: echo("sid", fields), error: error)
    }
  }

  private init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    let version = try fields.require("v", fields.integer("v"))
    guard version == WireLimits.version else {
      throw WireError(
        .unsupportedVersion, "version \(version) is not spoken here; send \"v\": \(WireLimits.version)",
        field: "v")
    }
    id = try fields.string("id")
    if let id { try checkName("id", id) }
    let operation = try fields.require("op", fields.string("op"))
    request = try Request(operation, fields, body: body)
  }
}

/// A name to repeat in a refusal, nil for one that is itself ill-typed or too long: the error is then about that.
private func echo(_ field: String, _ fields: FieldReader) -> String? {
  guard let name = try? fields.string(field), (try? checkName(field, name)) != nil else { return nil }
  return name
}

/// Why a request was refused, and what is needed to tell its sender.
public struct RequestRejection: Error, Sendable, Equatable {
  /// The client's name for the request, as far as it could be read.
  public let id: String?
  /// The session that was named, as far as it could be read.
  public let session: String?
  /// What is wrong.
  public let error: WireError

  /// A refusal of the request named `id`.
  public init(id: String?, session: String?, error: WireError) {
    self.id = id
    self.session = session
    self.error = error
  }
}

/// Parses part 0 after checking the number and the sizes of the parts.
func readHeader(_ parts: [[UInt8]], limit: Int = WireLimits.headerBytes) throws(WireError) -> FieldReader {
  guard (1...2).contains(parts.count) else {
    throw WireError(.badHeader, "a message has a header and at most one more part, not \(parts.count) parts")
  }
  guard parts[0].count <= limit else {
    throw WireError(
      .tooLarge, "the header has \(parts[0].count) bytes; the limit is \(limit)")
  }
  do throws(JSONError) {
    guard case .object(let object) = try JSONValue(parsing: parts[0]) else {
      throw JSONError(message: "expected an object", offset: 0)
    }
    return FieldReader(object)
  } catch {
    throw WireError(.badHeader, "part 0 must be one JSON object in UTF-8: \(error)")
  }
}
