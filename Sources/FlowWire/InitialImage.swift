// SPDX-License-Identifier: Apache-2.0

/// The picture that a stream continues; its bytes are part 1 of the `open` request.
public struct InitialImage: Sendable, Equatable {
  /// How the bytes are to be read.
  public enum Encoding: String, Sendable, CaseIterable {
    /// Rows from top to bottom, three bytes a pixel, no padding.
    case rgb24
    /// A PNG file.
    case png
  }

  /// How the bytes are to be read.
  public let encoding: Encoding
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// The picture.
  public let bytes: [UInt8]

  /// Checks a picture as far as that goes without decoding it.
  public init(_ encoding: Encoding, width: Int, height: Int, bytes: [UInt8]) throws(WireError) {
    try checkRange("image.w", width, 1...WireLimits.imageSide)
    try checkRange("image.h", height, 1...WireLimits.imageSide)
    guard bytes.count <= WireLimits.partBytes else {
      throw WireError(
        .tooLarge, "the image has \(bytes.count) bytes; the limit is \(WireLimits.partBytes)", field: "image")
    }
    guard encoding == .png || bytes.count == width * height * 3 else {
      throw .badRequest(
        "image", "part 1 has \(bytes.count) bytes; \(width)×\(height) RGB pixels are \(width * height * 3)")
    }
    self.encoding = encoding
    self.width = width
    self.height = height
    self.bytes = bytes
  }

  init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    let name = try fields.require("encoding", fields.string("encoding"))
    guard let encoding = Encoding(rawValue: name) else {
      throw fields.mismatch("encoding", "\"\(name)\" is unknown; take rgb24 or png")
    }
    guard let body else {
      throw .badRequest("image", "image is described but part 1 is missing; send its bytes as part 1")
    }
    try self.init(
      encoding, width: fields.require("w", fields.integer("w")),
      height: fields.require("h", fields.integer("h")), bytes: body)
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("encoding", encoding.rawValue)
    object.append("w", width)
    object.append("h", height)
    return object
  }
}
