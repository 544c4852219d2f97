// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import FlowTensor
import Foundation
import Testing

@Suite("Files that become shorter while they are open")
struct ShrinkingTests {
  /// A file of a float32 and a bfloat16 tensor, each of several pages.
  private func write(to path: String) throws {
    var random = Random(key: 1), writer = SafetensorsWriter()
    writer.add("float", random.normal([10_000]))
    writer.add(bfloat16: random.normal([10_000]), "half")
    try writer.write(to: path)
  }

  @Test("reading a tensor that is gone is an error that says so, in each form", arguments: ["float", "half"])
  func tensor(name: String) throws {
    try withFolder { folder in
      let path = folder + "/file"
      try write(to: path)
      let file = try SafetensorsFile(path: path)
      _ = try file.tensor(name, shape: [10_000])
      truncate(path, 4096)
      let error = #expect(throws: CheckpointError.self) { try file.tensor(name, shape: [10_000]) }
      #expect(error?.code == .truncated && error?.message.contains("when it was opened") == true)
      #expect(throws: CheckpointError.self) { try file.verify() }
      #expect(throws: CheckpointError.self) { try file.sha256() }
    }
  }

  @Test("bytes written over after opening are found, although they were good then")
  func overwritten() throws {
    try withFolder { folder in
      let path = folder + "/file"
      try write(to: path)
      let file = try SafetensorsFile(path: path)
      try file.verify()
      let handle = try FileHandle(forWritingTo: URL(filePath: path))
      try handle.seek(toOffset: UInt64(file.byteCount - 1))
      try handle.write(contentsOf: [0x55])
      let error = #expect(throws: CheckpointError.self) { try file.tensor("half", shape: [10_000]) }
      #expect(error?.code == .wrongDigest && error?.tensor == "half")
    }
  }

  @Test("a tensor outlives its file, and a file that is replaced stays the one that was opened")
  func outlives() throws {
    try withFolder { folder in
      let path = folder + "/file"
      try write(to: path)
      let file = try SafetensorsFile(path: path)
      let before = try file.tensor("float", shape: [10_000]), digest = try file.sha256()
      let copy = before.elements
      var other = SafetensorsWriter()
      other.add("float", Tensor.zeros([10_000]))
      try other.write(to: path)
      #expect(try file.tensor("float", shape: [10_000]).elements == copy)
      #expect(try file.sha256() == digest)
      #expect(try SafetensorsFile(path: path).sha256() != digest)
      truncate(path, 0)
      #expect(before.elements == copy)
    }
  }
}
