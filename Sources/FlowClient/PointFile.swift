// SPDX-License-Identifier: Apache-2.0

/// A table of points in a file: what a flow map is to start at.
public struct PointFile: Sendable, Equatable {
  /// How many points.
  public let count: Int
  /// Numbers a point.
  public let width: Int
  /// The numbers, a point after the other.
  public let numbers: [Float]

  /// Reads a file's bytes: NumPy's format (float32 or float64, two-dimensional), or lines of numbers separated by
  /// commas or white space, of which a first line that is no numbers is a head.
  ///
  /// - Throws: ``ClientError`` of kind `usage`, naming the file and the line.
  public init(_ bytes: [UInt8], path: String) throws(ClientError) {
    if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
      try self.init(npy: bytes, path: path)
    } else {
      try self.init(table: String(decoding: bytes, as: UTF8.self), path: path)
    }
  }

  private init(table text: String, path: String) throws(ClientError) {
    var numbers: [Float] = []
    var width: Int?
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let words = line.split { $0 == "," || $0.isWhitespace }
      if words.isEmpty { continue }
      let row = words.compactMap { Float(String($0)) }
      if row.isEmpty, index == 0 { continue }
      guard row.count == words.count, row.count == width ?? row.count else {
        throw ClientError(
          .usage,
          "\(path), line \(index + 1): \"\(line.prefix(60))\" is not a row of \(width ?? words.count) numbers"
        )
      }
      width = row.count
      numbers += row
    }
    guard let width else { throw ClientError(.usage, "\(path) holds no points") }
    self.numbers = numbers
    self.width = width
    count = numbers.count / width
  }

  private init(npy bytes: [UInt8], path: String) throws(ClientError) {
    let wrong = ClientError(
      .usage, "\(path) is not a two-dimensional NumPy array of <f4 or <f8 in C order; save it as float32")
    guard bytes.count > 12, (1...2).contains(bytes[6]) else { throw wrong }
    let start = bytes[6] == 1 ? 10 : 12
    let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    guard bytes.count >= start + length else { throw wrong }
    let head = String(decoding: bytes[start..<start + length], as: UTF8.self)
    let isDouble = head.contains("'<f8'")
    guard isDouble || head.contains("'<f4'"), head.contains("'fortran_order': False"),
      let shape = extents(head), shape.count == 2, shape.allSatisfy({ (1...bytes.count).contains($0) }),
      case let (count, overflow) = shape[0].multipliedReportingOverflow(by: shape[1]), !overflow,
      (bytes.count - start - length).quotientAndRemainder(dividingBy: isDouble ? 8 : 4) == (count, 0)
    else { throw wrong }
    let body = Array(bytes[(start + length)...])
    (self.count, width) = (shape[0], shape[1])
    numbers = isDouble ? doubles(body).map(Float.init) : floats(body)
  }
}

/// The numbers between the brackets after 'shape'.
private func extents(_ head: String) -> [Int]? {
  guard let key = head.range(of: "'shape': (") else { return nil }
  let inside = head[key.upperBound...].prefix { $0 != ")" }
  let words = inside.split { $0 == "," || $0 == " " }
  let numbers = words.compactMap { Int(String($0)) }
  return numbers.count == words.count ? numbers : nil
}

private func doubles(_ bytes: [UInt8]) -> [Double] {
  bytes.withUnsafeBytes { bytes in
    (0..<bytes.count / 8).map {
      Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)))
    }
  }
}

extension String {
  /// Where `other` first stands.
  fileprivate func range(of other: String) -> Range<String.Index>? {
    let whole = Array(utf8), part = Array(other.utf8)
    guard whole.count >= part.count,
      let place = (0...whole.count - part.count).first(where: {
        whole[$0..<$0 + part.count].elementsEqual(part)
      })
    else { return nil }
    let start = utf8.index(utf8.startIndex, offsetBy: place)
    return start..<utf8.index(start, offsetBy: part.count)
  }
}
