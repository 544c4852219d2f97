// SPDX-License-Identifier: Apache-2.0

internal import CZlib

/// Bytes in an array of some extents, as MNIST's files hold them: two zero bytes, the type 8, the number of extents, each
/// as a big-endian 32-bit number, then the bytes; gzipped or not.
struct IDXFile {
  let extents: [Int]
  let bytes: [UInt8]

  /// Reads a file that inflates to at most `mostBytes`. Throws ``TrainingError``.
  init(path: String, mostBytes: Int = 1 << 30) throws {
    let content = try Self.inflated(path, mostBytes: mostBytes)
    func number(at place: Int) -> Int { content[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    guard content.count >= 4, content[0] == 0, content[1] == 0, content[2] == 8 else {
      throw TrainingError(.badData, "\(path) is no IDX file of bytes; fetch it again with tools/get-data")
    }
    let rank = Int(content[3]), first = 4 + 4 * rank
    guard rank > 0, content.count >= first else {
      throw TrainingError(.badData, "\(path) ends within its header; fetch it again with tools/get-data")
    }
    extents = (0..<rank).map { number(at: 4 + 4 * $0) }
    let (count, overflow) = extents.reduce((1, false)) { product, extent in
      let next = product.0.multipliedReportingOverflow(by: extent)
      return (next.partialValue, product.1 || next.overflow)
    }
    guard !overflow, content.count - first == count else {
      throw TrainingError(
        .badData,
        "\(path) has \(content.count - first) bytes where its header says \(extents.map(String.init).joined(separator: "×")); "
          + "it is truncated or damaged, fetch it again with tools/get-data")
    }
    bytes = Array(content[first...])
  }

  /// The bytes of a file, inflated if it is gzipped.
  private static func inflated(_ path: String, mostBytes: Int) throws -> [UInt8] {
    guard let file = gzopen(path, "rb") else {
      throw TrainingError(.unreadable, "\(path): cannot be read; fetch it with tools/get-data")
    }
    defer { gzclose(file) }
    var content: [UInt8] = [], chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let read = gzread(file, &chunk, UInt32(chunk.count))
      var code: Int32 = 0
      let message = gzerror(file, &code)
      guard read >= 0, code == Z_OK || code == Z_STREAM_END else {
        let cause = message.map { String(cString: $0) } ?? "it cannot be inflated"
        throw TrainingError(.badData, "\(path): \(cause); fetch it again with tools/get-data")
      }
      if read == 0 { return content }
      content += chunk[..<Int(read)]
      guard content.count <= mostBytes else {
        throw TrainingError(
          .badData, "\(path) inflates to more than \(mostBytes) bytes; fetch it again with tools/get-data")
      }
    }
  }
}
