// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint

/// A file of tensors.
let safetensorsTarget = Target("safetensors", seeds: safetensorsSeeds) { bytes in
  let path = ScratchFile(name: "input.safetensors")
  path.write(bytes)
  do throws(CheckpointError) {
    let file = try SafetensorsFile(path: path.path)
    try check(file, byteCount: bytes.count)
  } catch {
    expect(!error.message.isEmpty && error.path == path.path, "an error has a message and its file")
  }
}

/// Every tensor lies in the file, and what is read can be written and read again.
private func check(_ file: SafetensorsFile, byteCount: Int) throws(CheckpointError) {
  var writer = SafetensorsWriter(), sum = 0
  for name in file.names {
    let entry = try file.entry(name)
    let bytes = file.withBytes(of: entry) { Array($0) }
    expect(bytes.count == entry.byteCount, "a tensor has the bytes that its type and shape take")
    expect(entry.elementCount == entry.shape.reduce(1, *), "a tensor has the elements of its shape")
    sum += bytes.count
    writer.add(name, type: entry.type, shape: entry.shape) { borrow in bytes.withUnsafeBytes(borrow) }
  }
  expect(sum + 8 <= byteCount, "tensors do not share bytes")
  do throws(CheckpointError) { try file.verify() } catch {
    expect(error.code == .missingDigest || error.code == .wrongDigest, "verifying fails by a digest alone")
  }
  let copyPath = ScratchFile(name: "copy.safetensors").path
  try writer.write(to: copyPath)
  let copy = try SafetensorsFile(path: copyPath)
  try copy.verify()
  expect(copy.names == file.names, "a copy has the same tensors")
}

@Sendable private func safetensorsSeeds() throws -> [[UInt8]] {
  var writer = SafetensorsWriter()
  writer.add("weight", shape: [2, 1], [1.5 as Float, -2])
  writer.add("empty", shape: [0, 3], [] as [Float])
  writer.add("index", shape: [1], [7 as Int64])
  writer.add("byte", shape: [], [7 as UInt8])
  let path = ScratchFile(name: "seed.safetensors").path
  try writer.write(to: path, metadata: ["model": "tiny"])
  let header = Array("{\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}".utf8)
  return [try contents(path), [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [1, 2]]
}
