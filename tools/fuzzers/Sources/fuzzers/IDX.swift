// SPDX-License-Identifier: Apache-2.0

@testable internal import FlowTraining

/// A file of pictures or labels as MNIST has them, gzipped or not.
let idxTarget = Target("idx", seeds: idxSeeds) { bytes in
  let scratch = ScratchFile(name: "input.idx")
  scratch.write(bytes)
  do {
    let file = try IDXFile(path: scratch.path)
    expect(file.extents.reduce(1, *) == file.bytes.count, "an array has the bytes of its extents")
    scratch.write(plain(file.extents) + file.bytes)
    let again = try IDXFile(path: scratch.path)
    expect(again.extents == file.extents && again.bytes == file.bytes, "an array is read as it was written")
  } catch let error as TrainingError {
    expect(error.code == .badData && !error.message.isEmpty, "\(error) blames the data")
  } catch {
    fail("broken: \(error) is an error of training")
  }
}

private func plain(_ extents: [Int]) -> [UInt8] {
  [0, 0, 8, UInt8(extents.count)]
    + extents.flatMap { extent in
      (0..<4).map { UInt8(truncatingIfNeeded: extent >> (24 - 8 * $0)) }
    }
}

/// A plain file, an empty array, and the plain file as gzip stores it.
@Sendable private func idxSeeds() throws -> [[UInt8]] {
  let file = plain([2, 1, 3]) + [1, 2, 3, 4, 5, 6]
  let count = UInt8(file.count)
  let head: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
  // A stored block; the checksum and the length that follow it are the fuzzer's to find.
  let stored: [UInt8] = [1, count, 0, ~count, 0xFF] + file + [0, 0, 0, 0, count, 0, 0, 0]
  return [file, plain([0]), plain([1]) + [9], head + stored]
}
