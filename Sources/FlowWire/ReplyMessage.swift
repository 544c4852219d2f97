// SPDX-License-Identifier: Apache-2.0

/// A reply as it travels: part 0 is the header, part 1 the bytes of a frame, of points or of media.
public struct ReplyMessage: Sendable, Equatable {
  /// The name of the request that is answered, where there is one.
  public let id: String?
  /// What is told.
  public let reply: Reply

  /// An answer to the request named `id`.
  public init(id: String? = nil, _ reply: Reply) {
    self.id = id
    self.reply = reply
  }

  /// Part 0.
  public func header() -> [UInt8] {
    var header = JSONObject()
    header.append("v", WireLimits.version)
    header.append("op", reply.operation)
    header.append("id", id)
    reply.append(to: &header)
    return JSONValue.object(header).serialised()
  }

  /// Reads part 0; fields that are not known are ignored.
  public init(header: [UInt8]) throws(WireError) {
    let fields = try readHeader([header], limit: WireLimits.replyHeaderBytes)
    let version = try fields.require("v", fields.integer("v"))
    guard version == WireLimits.version else {
      throw WireError(.unsupportedVersion, "the server speaks version \(version)", field: "v")
    }
    id = try fields.string("id")
    reply = try Reply(fields.require("op", fields.string("op")), fields)
  }
}
