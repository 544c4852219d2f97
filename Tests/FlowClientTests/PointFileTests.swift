// SPDX-License-Identifier: Apache-2.0

import FlowClient
import Testing

@Suite("Files of points")
struct PointFileTests {
  @Test(
    "lines of numbers are points, with or without a head",
    arguments: ["1,2,3\n4,5,6\n", "x,y,z\n1, 2, 3\n4 5 6", "\n1\t2\t3\r\n\r\n4\t5\t6\r\n"])
  func table(text: String) throws {
    let file = try PointFile(Array(text.utf8), path: "a.csv")
    #expect(file.count == 2 && file.width == 3 && file.numbers == [1, 2, 3, 4, 5, 6])
  }

  @Test(
    "a malformed line is named",
    arguments: [
      ("1,2\n3,x\n", "line 2"), ("1,2\n\n3\n", "line 3"), ("a,b\nc,d\n", "line 2"), ("x,y\n", "no points"),
      ("", "no points"),
      ("1,2\n3,4,5\n", "line 2"),
    ])
  func malformed(text: String, words: String) {
    let error = #expect(throws: ClientError.self) { try PointFile(Array(text.utf8), path: "a.csv") }
    #expect(error?.kind == .usage && error?.message.contains("a.csv") == true)
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  private func npy(_ head: String, _ body: [UInt8]) -> [UInt8] {
    let text = Array((head + String(repeating: " ", count: 117 - head.utf8.count) + "\n").utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0] + text + body
  }

  @Test("NumPy's files of both precisions are read")
  func numpy() throws {
    let singles = ([1, 2, 3, 4] as [Float]).withUnsafeBytes { Array($0) }
    let doubles = ([1, 2, 3, 4] as [Double]).withUnsafeBytes { Array($0) }
    let rest = "'fortran_order': False, 'shape': (2, 2), }"
    for (type, body) in [("<f4", singles), ("<f8", doubles)] {
      let file = try PointFile(npy("{'descr': '\(type)', \(rest)", body), path: "a.npy")
      #expect(file.count == 2 && file.width == 2 && file.numbers == [1, 2, 3, 4])
    }
  }

  @Test(
    "other arrays are refused by the file's name",
    arguments: [
      "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2), }", "{}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
    ])
  func badNumpy(head: String) {
    let bytes = npy(head, [UInt8](repeating: 0, count: 16))
    for bytes in [bytes, Array(bytes.prefix(20)), Array(bytes.prefix(8))] {
      let error = #expect(throws: ClientError.self) { try PointFile(bytes, path: "a.npy") }
      #expect(error?.kind == .usage && error?.message.contains("a.npy") == true)
    }
  }

  @Test(
    "the extension or the option decides the format",
    arguments: [
      ("a.npy", nil, "npy"), ("A.CSV", nil, "csv"), ("x/a.safetensors", nil, "safetensors"),
      ("-", nil, "csv"),
      ("-", "npy", "npy"), ("a.dat", "float32", "float32"), ("a.f32", nil, "float32"),
    ] as [(String, String?, String)])
  func formats(path: String, option: String?, expected: String) throws {
    let target = try PointTarget(path: path, format: option.flatMap(PointFormat.init(rawValue:)))
    #expect(target.format.rawValue == expected)
  }
}
