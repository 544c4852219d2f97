// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// Makes a file of points as they come: a head, then each message's points.
struct PointEncoder {
  private let format: PointFormat
  private let opened: OpenedPoints
  private var count = 0

  init(_ format: PointFormat, _ opened: OpenedPoints) {
    self.format = format
    self.opened = opened
  }

  /// What stands before the points, for as many as were asked for.
  var head: [UInt8] { head(points: opened.points) }

  /// The same for the points that came; of the same length, and nil where no head depends on it.
  var correctedHead: [UInt8]? {
    count == opened.points || format == .csv || format == .float32 ? nil : head(points: count)
  }

  /// The bytes of a message's points.
  mutating func encode(_ header: PointsHeader, _ body: [UInt8]) -> [UInt8] {
    defer { count += header.shape[0] }
    return format == .csv ? table(header, body) : body
  }

  private var width: Int { opened.coordinates.count }
  /// The most points that may come: a stream without end leaves room for any number.
  private var most: Int { opened.points == 0 ? .max : opened.points }
  private var hasTrajectory: Bool { opened.times.count > 1 }

  private func shape(points: Int) -> [Int] {
    hasTrajectory ? [points, opened.times.count, width] : [points, width]
  }

  private func head(points: Int) -> [UInt8] {
    switch format {
    case .npy:
      let padded = padded(npyText(points), as: npyText(most), after: 10, to: 128, ending: "\n")
      return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(padded.count & 255), UInt8(padded.count >> 8)]
        + padded
    case .safetensors:
      let padded = padded(
        safetensorsText(points), as: safetensorsText(most), after: 8, to: 64, ending: " ")
      return (0..<8).map { UInt8(truncatingIfNeeded: padded.count >> (8 * $0)) } + padded
    case .csv:
      return Array(
        (((hasTrajectory ? ["point", "t"] : []) + opened.coordinates).joined(separator: ",") + "\n").utf8)
    case .float32: return []
    }
  }

  /// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
  private func npyText(_ points: Int) -> String {
    let extents = shape(points: points).map(String.init).joined(separator: ", ")
    return "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents)), }"
  }

  private func safetensorsText(_ points: Int) -> String {
    let shape = shape(points: points)
    var tensor = JSONObject()
    tensor.append("dtype", .string("F32"))
    tensor.append("shape", .array(shape.map { .integer(Int128($0)) }))
    // A trajectory of as many points as may be asked for has more bytes than an Int counts.
    let end = shape.reduce(4 as Int128) { $0 * Int128($1) }
    tensor.append("data_offsets", .array([.integer(0), .integer(end)]))
    var metadata = JSONObject()
    let facts = [
      ("model", opened.model), ("model_sha256", opened.modelDigest), ("geometry", opened.geometry),
      ("coordinates", opened.coordinates.joined(separator: ",")), ("seed", "\(opened.seed)"),
      ("nfe", "\(opened.evaluations)"), ("times", opened.times.map { "\($0)" }.joined(separator: ",")),
    ]
    for (name, value) in facts { metadata.append(name, .string(value)) }
    var object = JSONObject()
    object.append("__metadata__", .object(metadata))
    object.append("points", .object(tensor))
    return String(decoding: JSONValue.object(object).serialised(), as: UTF8.self)
  }

  /// A text with spaces behind it, as long as the longer one for all points would be: a head can be corrected.
  private func padded(
    _ text: String, as longest: String, after start: Int, to multiple: Int, ending: String
  ) -> [UInt8] {
    let total = (start + longest.utf8.count + 1 + multiple - 1) / multiple * multiple
    let spaces = total - start - text.utf8.count - 1
    return Array((text + String(repeating: " ", count: spaces) + ending).utf8)
  }

  private func table(_ header: PointsHeader, _ body: [UInt8]) -> [UInt8] {
    let numbers = floats(body)
    var text = ""
    text.reserveCapacity(numbers.count * 12)
    for row in 0..<numbers.count / width {
      if hasTrajectory {
        let (point, time) = row.quotientAndRemainder(dividingBy: opened.times.count)
        text += "\(header.first + point),\(opened.times[time]),"
      }
      for column in 0..<width {
        text += numbers[row * width + column].description
        text += column + 1 < width ? "," : "\n"
      }
    }
    return Array(text.utf8)
  }
}

/// Little-endian float32 numbers.
func floats(_ bytes: [UInt8]) -> [Float] {
  bytes.withUnsafeBytes { bytes in
    (0..<bytes.count / 4).map {
      Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
    }
  }
}
