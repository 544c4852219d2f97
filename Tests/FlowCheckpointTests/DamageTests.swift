// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import Foundation
import Testing

@Suite("Damaged safetensors files")
struct DamageTests {
  /// A small file with two tensors, as `SafetensorsWriter` writes it.
  private func sample(in folder: String) throws -> [UInt8] {
    var writer = SafetensorsWriter()
    writer.add("first", shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
    writer.add("second", shape: [4], [9, 8, 7, 6] as [UInt8])
    try writer.write(to: folder + "/sample")
    return try bytes(of: folder + "/sample")
  }

  /// What a reader gets from a file: names, types, shapes and verified bytes.
  private func reading(_ path: String) throws -> [String] {
    let file = try SafetensorsFile(path: path)
    try file.verify()
    return try file.names.map { name in
      let entry = try file.entry(name)
      return "\(name) \(entry.type) \(entry.shape) \(file.withBytes(of: entry) { [UInt8]($0) })"
    }
  }

  @Test("a file cut short anywhere is refused, with the tensor's name where one is cut")
  func truncated() throws {
    try withFolder { folder in
      let whole = try sample(in: folder)
      for count in 0..<whole.count {
        let error = try #require(try errorOpening(Array(whole[..<count])), "cut to \(count) bytes")
        #expect(error.code == .truncated)
        let missing = whole.count - count
        let cut: String? = missing <= 4 ? "second" : missing <= 28 ? "first" : nil
        #expect(error.tensor == cut, "cut to \(count) bytes")
      }
    }
  }

  @Test("a flipped bit in a tensor's bytes is found and the tensor named")
  func flippedData() throws {
    try withFolder { folder in
      let whole = try sample(in: folder)
      for bit in (whole.count - 28) * 8..<whole.count * 8 {
        try store(flipping(bit, of: whole), at: folder + "/flipped")
        let error = #expect(throws: CheckpointError.self) { try reading(folder + "/flipped") }
        #expect(error?.code == .wrongDigest)
        #expect(error?.tensor == (bit < (whole.count - 4) * 8 ? "first" : "second"))
      }
    }
  }

  @Test("a flipped bit in the header is refused or changes nothing that is read")
  func flippedHeader() throws {
    try withFolder { folder in
      let whole = try sample(in: folder)
      let intact = try reading(folder + "/sample")
      var refused = 0
      for bit in 0..<(whole.count - 28) * 8 {
        try store(flipping(bit, of: whole), at: folder + "/flipped")
        do {
          #expect(try reading(folder + "/flipped") == intact, "bit \(bit)")
        } catch is CheckpointError {
          refused += 1
        }
      }
      #expect(refused > (whole.count - 28) * 8 / 2)
    }
  }

  private func flipping(_ bit: Int, of bytes: [UInt8]) -> [UInt8] {
    var flipped = bytes
    flipped[bit / 8] ^= 1 << (bit % 8)
    return flipped
  }

  @Test("a file without digests opens but does not verify, and the tensor is named")
  func noDigest() throws {
    try withFolder { folder in
      let header = "{'x':{'dtype':'U8','shape':[2],'data_offsets':[0,2]}}"
      try store(safetensors(header, data: 2), at: folder + "/file")
      let file = try SafetensorsFile(path: folder + "/file")
      let error = #expect(throws: CheckpointError.self) { try file.verify() }
      #expect(error?.code == .missingDigest)
      #expect(error?.tensor == "x")
    }
  }

  @Test(
    "a header that is not one is refused",
    arguments: [
      "", " ", "{", "[]", "null", "7", "{}{}", "{'x':7}", "{'x':null}", "{'__metadata__':7}",
      "{'__metadata__':{'a':1}}", "{'__metadata__':null}", "{'x':{'dtype':'U8','shape':[0]}}",
      "{'x':{'shape':[0],'data_offsets':[0,0]}}", "{'x':{'dtype':'U8','data_offsets':[0,0]}}",
      "{'x':{'dtype':8,'shape':[0],'data_offsets':[0,0]}}",
      "{'x':{'dtype':'U8','shape':0,'data_offsets':[0,0]}}",
      "{'x':{'dtype':'U8','shape':[0.5],'data_offsets':[0,0]}}",
      "{'x':{'dtype':'U8','shape':[9223372036854775808],'data_offsets':[0,0]}}",
      "{'x':{'dtype':'U8','shape':[0],'data_offsets':['0','0']}}",
      String(repeating: "[", count: 100_000), "{'x':" + String(repeating: "[", count: 100_000),
    ])
  func badHeader(header: String) throws {
    let error = try #require(try errorOpening(safetensors(header)))
    #expect(error.code == .badHeader)
    if header.hasPrefix("{'x':{") { #expect(error.tensor == "x") }
  }

  @Test("a header that is not UTF-8 is refused")
  func notUTF8() throws {
    let error = try errorOpening([4, 0, 0, 0, 0, 0, 0, 0] + [0x7b, 0xff, 0xfe, 0x7d])
    #expect(error?.code == .badHeader)
  }

  @Test("a header over the limit is refused before it is read", arguments: [100_000_001, UInt64.max])
  func longHeader(length: UInt64) throws {
    let prefix = withUnsafeBytes(of: length.littleEndian) { [UInt8]($0) }
    #expect(try errorOpening(prefix + Array("{}".utf8))?.code == .badHeader)
  }

  @Test(
    "a tensor that cannot be is refused by name",
    arguments: [
      ("F64", "[1]", "[0,8]", "F64"),
      ("f32", "[2]", "[0,8]", "f32"),
      ("U8", "[-1]", "[0,8]", "impossible"),
      ("U8", "[-2,-4]", "[0,8]", "impossible"),
      ("F32", "[4611686018427387904]", "[0,8]", "impossible"),
      ("U8", "[4294967296,4294967296]", "[0,8]", "impossible"),
      ("U8", "[8]", "[8,0]", "no range"),
      ("U8", "[8]", "[-8,0]", "no range"),
      ("U8", "[8]", "[0]", "no range"),
      ("U8", "[8]", "[0,8,8]", "no range"),
      ("U8", "[8]", "[9223372036854775799,9223372036854775807]", "no range"),
      ("U8", "[7]", "[0,8]", "takes 7 bytes"),
      ("F32", "[2,2]", "[0,8]", "takes 16 bytes"),
      ("U8", "[7]", "[1,8]", "gap"),
    ])
  func badTensor(type: String, shape: String, offsets: String, explanation: String) throws {
    let header = "{'x':{'dtype':'\(type)','shape':\(shape),'data_offsets':\(offsets)}}"
    let error = try #require(try errorOpening(safetensors(header, data: 8)))
    #expect(error.code == .badTensor)
    #expect(error.tensor == "x")
    #expect(error.message.contains(explanation), "\(error)")
  }

  @Test(
    "a tensor that overlaps another or leaves a gap is refused by name",
    arguments: [
      (0..<5, 3..<8, "overlaps"), (0..<8, 0..<8, "overlaps"), (0..<8, 4..<4, "overlaps"),
      (0..<3, 4..<8, "gap"),
    ])
  func badPlace(before: Range<Int>, place: Range<Int>, explanation: String) throws {
    let records = [("a", before), ("x", place)].map { name, range in
      "'\(name)':{'dtype':'U8','shape':[\(range.count)],"
        + "'data_offsets':[\(range.lowerBound),\(range.upperBound)]}"
    }
    let header = "{\(records.joined(separator: ","))}"
    let error = try #require(try errorOpening(safetensors(header, data: 8)))
    #expect(error.code == .badTensor)
    #expect(error.tensor == "x")
    #expect(error.message.contains(explanation), "\(error)")
  }

  @Test("bytes after the last tensor are refused")
  func trailing() throws {
    let header = "{'x':{'dtype':'U8','shape':[8],'data_offsets':[0,8]}}"
    #expect(try errorOpening(safetensors(header, data: 8)) == nil)
    #expect(try errorOpening(safetensors(header, data: 9))?.code == .badHeader)
  }

  @Test("a path that is no file is refused", arguments: ["", "/none", "."])
  func noFile(name: String) throws {
    try withFolder { folder in
      let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: folder + name) }
      #expect(error?.code == .unreadable)
    }
  }
}
