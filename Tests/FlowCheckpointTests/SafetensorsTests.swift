// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import Foundation
import Testing

@Suite("Safetensors files")
struct SafetensorsTests {
  /// Made by tools/fixtures/safetensors_golden.py.
  private let golden = Bundle.module.bundlePath + "/Fixtures/golden.safetensors"

  private func sample() -> SafetensorsWriter {
    var writer = SafetensorsWriter()
    writer.add("b.bias", shape: [3], [1, -2, Float.infinity])
    writer.add("a.codes", shape: [5], [UInt8](1...5))
    writer.add("c.ids", shape: [2, 2], [Int32.min, -1, 0, Int32.max])
    writer.add("a.wide", shape: [], [Int64.min])
    writer.add("none", shape: [0, 7], [Float]())
    return writer
  }

  @Test("what is written is read back, with its metadata")
  func roundTrip() throws {
    try withFolder { folder in
      let path = folder + "/file.safetensors"
      try sample().write(to: path, metadata: ["said \"by\"": "größe\n/\u{1}"])
      let file = try SafetensorsFile(path: path)
      #expect(file.names == ["a.codes", "a.wide", "b.bias", "c.ids", "none"])
      #expect(file.metadata["said \"by\""] == "größe\n/\u{1}")
      #expect(try file.array(of: file.entry("b.bias")) == [1, -2, Float.infinity])
      #expect(try file.array(of: file.entry("a.codes")) == [UInt8](1...5))
      let ids: [Int32] = try file.array(of: file.entry("c.ids", type: .int32, shape: [2, 2]))
      #expect(ids == [Int32.min, -1, 0, Int32.max])
      #expect(try file.array(of: file.entry("a.wide", type: .int64, shape: [])) == [Int64.min])
      #expect(try file.array(of: file.entry("none", type: .float32, shape: [0, 7])) == [Float]())
      try file.verify()
      #expect(try contents(of: folder) == ["file.safetensors"])
    }
  }

  @Test("a file of no tensors is a file")
  func empty() throws {
    try withFolder { folder in
      try SafetensorsWriter().write(to: folder + "/file")
      #expect(try SafetensorsFile(path: folder + "/file").names.isEmpty)
    }
  }

  @Test("the same tensors make the same bytes in whatever order they were added")
  func deterministic() throws {
    try withFolder { folder in
      var turned = SafetensorsWriter()
      turned.add("none", shape: [0, 7], [Float]())
      turned.add("a.wide", shape: [], [Int64.min])
      turned.add("c.ids", shape: [2, 2], [Int32.min, -1, 0, Int32.max])
      turned.add("a.codes", shape: [5], [UInt8](1...5))
      turned.add("b.bias", shape: [3], [1, -2, Float.infinity])
      try sample().write(to: folder + "/one", metadata: ["x": "1", "y": "2"])
      try turned.write(to: folder + "/two", metadata: ["y": "2", "x": "1"])
      #expect(try bytes(of: folder + "/one") == bytes(of: folder + "/two"))
    }
  }

  @Test("every tensor is aligned to its element type")
  func aligned() throws {
    try withFolder { folder in
      try sample().write(to: folder + "/file")
      let file = try SafetensorsFile(path: folder + "/file")
      for name in file.names {
        let entry = try file.entry(name)
        let address = file.withBytes(of: entry) { UInt(bitPattern: $0.baseAddress) }
        #expect(address.isMultiple(of: UInt(entry.type.byteCount)), "\(name)")
      }
    }
  }

  @Test("a file by another writer is read as it was meant")
  func goldenFile() throws {
    let file = try SafetensorsFile(path: golden)
    try file.verify()
    #expect(file.metadata["made by"] == "tools/fixtures, \"by hand\"")
    #expect(file.metadata["empty"] == "")
    #expect(try file.array(of: file.entry("bytes", type: .uint8, shape: [3])) == [0, 127, 255] as [UInt8])
    let weight: [Float] = try file.array(of: file.entry("layer.0.weight", type: .float32, shape: [2, 3]))
    #expect(weight.map(\.bitPattern) == [0, -0.0, 1.5, -2.25, 3.4e38, 1e-45].map { Float($0).bitPattern })
    let signed: [Int8] = try file.array(of: file.entry("signed", type: .int8, shape: [2, 1, 2]))
    #expect(signed == [-128, -1, 0, 127])
    #expect(try file.array(of: file.entry("scalar", type: .int64, shape: [])) == [Int64.min])
    #expect(try file.array(of: file.entry("größe", type: .int32, shape: [2])) == [Int32.min, .max])
    #expect(try file.entry("nothing", type: .float32, shape: [4, 0]).elementCount == 0)
    let brain = try file.entry("half.brain", type: .bfloat16, shape: [2])
    #expect(file.withBytes(of: brain) { [UInt8]($0) } == [0x80, 0x3f, 0x20, 0xc0])
    let half = try file.entry("half", type: .float16, shape: [1])
    #expect(file.withBytes(of: half) { [UInt8]($0) } == [0x00, 0x3e])
  }

  @Test("a tensor of another type or shape, or none, is refused by name")
  func wrongTensor() throws {
    let file = try SafetensorsFile(path: golden)
    for (type, shape) in [(StoredType.float32, [3, 2]), (.float32, [6]), (.int32, [2, 3])] {
      let error = #expect(throws: CheckpointError.self) {
        try file.entry("layer.0.weight", type: type, shape: shape)
      }
      #expect(error?.code == .wrongShape)
      #expect(error?.tensor == "layer.0.weight")
      #expect(error?.description.contains("is F32 [2, 3] and must be \(type.rawValue) \(shape)") == true)
    }
    let error = #expect(throws: CheckpointError.self) { try file.entry("layer.1.weight") }
    #expect(error?.code == .missingTensor)
    #expect(error?.tensor == "layer.1.weight")
  }

  @Test("an array of another element type than the tensor's is our bug and traps")
  func wrongElement() async {
    await #expect(processExitsWith: .failure) {
      try withFolder { folder in
        var writer = SafetensorsWriter()
        writer.add("x", shape: [1], [Float(1)])
        try writer.write(to: folder + "/file")
        let file = try SafetensorsFile(path: folder + "/file")
        print(file.array(of: try file.entry("x"), as: Int32.self))
        exit(0)
      }
    }
  }

  @Test("a tensor whose bytes do not fill its shape is our bug and traps")
  func wrongCount() async {
    await #expect(processExitsWith: .failure) {
      var writer = SafetensorsWriter()
      writer.add("x", shape: [2], [Float(1)])
      try writer.write(to: "/nowhere/file")
    }
  }
}
