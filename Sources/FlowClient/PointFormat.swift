// SPDX-License-Identifier: Apache-2.0

/// What the client can make of points.
public enum PointFormat: String, Sendable, CaseIterable {
  /// NumPy's array file, float32.
  case npy
  /// One point a line, a head with the coordinates' names; with the trajectory one point and time a line.
  case csv
  /// One tensor "points", and where it comes from in the metadata.
  case safetensors
  /// Bare little-endian float32 numbers.
  case float32

  /// The format that an output path's extension stands for; nil for unknown ones. Standard output is a table.
  public init?(path: String) {
    let name = path.split(separator: "/").last ?? ""
    if name == "-" {
      self = .csv
      return
    }
    guard let dot = name.lastIndex(of: ".") else { return nil }
    switch name[name.index(after: dot)...].lowercased() {
    case "npy": self = .npy
    case "csv": self = .csv
    case "safetensors": self = .safetensors
    case "f32", "bin": self = .float32
    default: return nil
    }
  }
}

/// Where points go and as what.
public struct PointTarget: Sendable, Equatable {
  /// Where.
  public let place: OutputTarget.Place
  /// As what.
  public let format: PointFormat

  /// Understands `-o PATH` and `--format`.
  ///
  /// - Throws: ``ClientError`` of kind `usage` when they leave the format open.
  public init(path: String, format: PointFormat?) throws(ClientError) {
    guard let format = format ?? PointFormat(path: path) else {
      throw ClientError(
        .usage,
        "\"\(path)\" does not say which format is wanted; add --format npy, csv, safetensors or float32")
    }
    self.format = format
    place = path == "-" ? .standardOutput : .file(path)
  }
}
