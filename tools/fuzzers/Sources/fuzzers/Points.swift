// SPDX-License-Identifier: Apache-2.0

@testable internal import FlowClient
@testable internal import FlowTraining

/// Tables of numbers: what a client starts from, as text or by NumPy, and what training reads.
let pointsTarget = Target("points", seeds: pointsSeeds) { bytes in
  do throws(ClientError) {
    let file = try PointFile(bytes, path: "points")
    expect(file.count > 0 && file.width > 0, "a table has points")
    expect(file.numbers.count == file.count * file.width, "a table is a rectangle")
    try checkText(of: file)
  } catch {
    expect(error.kind == .usage && !error.message.isEmpty, "an error has its kind and a message")
  }
  numberTable(String(decoding: bytes, as: UTF8.self))
}

/// Finite numbers are read from the text of a table as they were.
private func checkText(of file: PointFile) throws(ClientError) {
  guard file.numbers.allSatisfy(\.isFinite) else { return }
  let rows = stride(from: 0, to: file.numbers.count, by: file.width).map { start in
    file.numbers[start..<start + file.width].map { "\($0)" }.joined(separator: ",")
  }
  let again = try PointFile(Array(rows.joined(separator: "\n").utf8), path: "points")
  expect(again == file, "a table is read as it was written")
}

private func numberTable(_ text: String) {
  do {
    let table = try NumberTable(text, path: "table", columns: 2, separator: ",")
    expect(table.rows.count == table.lines.count, "every row has its line")
    expect(table.rows.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isFinite) }, "rows are finite numbers")
  } catch let error as TrainingError {
    expect(error.code == .badData && !error.message.isEmpty, "\(error) blames the data")
  } catch {
    fail("broken: \(error) is an error of training")
  }
}

@Sendable private func pointsSeeds() throws -> [[UInt8]] {
  func array(_ type: String, _ shape: String, bytes: Int) -> [UInt8] {
    let head = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }\n".utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(head.count), 0] + head
      + [UInt8](repeating: 63, count: bytes)
  }
  let texts = ["x,y\n1,2\n3.5,-4e3\n", "1 2 3\n\n4 5 6", "# a\n1,2\r\n3,4\r\n", "nan,inf\n"]
  return [array("<f4", "2, 3", bytes: 24), array("<f8", "1, 2", bytes: 16)] + texts.map { Array($0.utf8) }
}
