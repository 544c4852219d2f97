// SPDX-License-Identifier: Apache-2.0

/// A wish that the server keeps what it sends, in a file of its folder for recordings.
///
/// The path is relative to that folder. Nothing in it can lead out of the folder: no `..`, no root, no hidden names.
/// Whether its folders are there, and are no links, is for the server to find out.
public struct RecordWish: Sendable, Equatable {
  /// The path as the client wrote it.
  public let path: String
  /// The names of the folders on the way, and of the file.
  public let components: [String]

  /// The most names of a path.
  public static let maximumDepth = 8
  /// The most bytes of a name: file systems take 255, and the server puts something behind it while it writes.
  public static let nameBytes = 200
  /// What stands behind a file's name until it is whole.
  public static let partialSuffix = ".partial"

  /// Checks a path; an error names the field.
  public init(path: String) throws(WireError) {
    let components = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (1...Self.maximumDepth).contains(components.count) else {
      throw fault("has \(components.count) names; give 1 to \(Self.maximumDepth)")
    }
    if components[0].isEmpty {
      throw fault("is empty or begins with /; give a path inside the server's folder")
    }
    for name in components { try checkComponent(name) }
    self.path = path
    self.components = components
  }

  init(_ fields: FieldReader) throws(WireError) {
    try self.init(path: fields.require("path", fields.string("path")))
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("path", path)
    return object
  }
}

/// A file in which a server kept what it sent.
public struct RecordedFile: Sendable, Equatable {
  /// Its path in the server's folder for recordings.
  public let path: String
  /// How many bytes it has; fewer than were sent if the recording broke off.
  public let bytes: Int

  /// A file of a server.
  public init(path: String, bytes: Int) {
    self.path = path
    self.bytes = bytes
  }

  init(_ fields: FieldReader) throws(WireError) {
    path = try fields.require("path", fields.string("path"))
    bytes = try fields.require("bytes", fields.integer("bytes"))
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("path", path)
    object.append("bytes", bytes)
    return object
  }
}

private func checkComponent(_ name: String) throws(WireError) {
  if name.isEmpty { throw fault("has an empty name in it; write one / between two names") }
  if name.hasPrefix(".") { throw fault("has a name that begins with a dot, such as ..; leave it out") }
  if name.hasSuffix(RecordWish.partialSuffix) {
    throw fault(
      "has a name that ends in \(RecordWish.partialSuffix), which unfinished recordings do; take another")
  }
  guard name.utf8.count <= RecordWish.nameBytes else {
    throw fault("has a name of \(name.utf8.count) bytes; give at most \(RecordWish.nameBytes)")
  }
  guard name.unicodeScalars.allSatisfy({ $0.value >= 32 && !(127...159).contains($0.value) }) else {
    throw fault("has a control character in it; leave it out")
  }
}

private func fault(_ message: String) -> WireError { .badRequest("record.path", "record.path \(message)") }
