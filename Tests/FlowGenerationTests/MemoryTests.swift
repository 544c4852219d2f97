// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowNN
import FlowTensor
import FlowTestSupport
import Foundation
import Testing

/// Each in a process of its own: what other tests hold would be counted too.
@Suite("What models and streams hold")
struct MemoryTests {
  @Test(
    "a loaded model holds what it says, and each stream what it says and none of the weights",
    arguments: InferencePrecision.allCases)
  func held(precision: InferencePrecision) async {
    await #expect(processExitsWith: .success) { [precision] in
      let folder = try TemporaryFolder()
      try writeMiddlingBundle("film", in: folder, width: 256)
      let before = TensorMemory.currentBytes
      let model = try CausalVideoModel(folder: "\(folder.path)/film", precision: precision)
      let held = TensorMemory.currentBytes - before
      #expect(blocks(model.description.residentBytes, count: 200).contains(held), "\(held)")
      #expect(TensorMemory.unusedBytes == 0)

      // The first stream finds neither the buffers of a step nor modulations, which are the model's.
      let first = model.makeStream(StreamOptions(seed: 1, steps: 1))
      for make in [{ model.makeStream(StreamOptions(seed: 2, steps: 1)) }, { first.copy() }] {
        let before = TensorMemory.currentBytes, stream = make()
        let grown = TensorMemory.currentBytes - before
        #expect(blocks(model.description.bytesPerStream, count: 8).contains(grown), "\(grown)")
        #expect(stream.byteCount == model.description.bytesPerStream)
      }
      #expect(model.description.residentBytes > 20 * model.description.bytesPerStream)
    }
  }

  @Test(
    "a loaded flow map holds what it says", arguments: InferencePrecision.allCases,
    ["features", "everyLayer"])
  func map(precision: InferencePrecision, times: String) async {
    await #expect(processExitsWith: .success) { [precision, times] in
      let folder = try TemporaryFolder()
      let times: TimeConditioning = times == "features" ? .features : .everyLayer
      try tinyManifold("a", geometry: "torus(7)", width: 300, layers: 4, times: times).write(
        to: folder.path + "/a")
      let before = TensorMemory.currentBytes
      let model = try FlowMapModel(folder: "\(folder.path)/a", precision: precision)
      let held = TensorMemory.currentBytes - before
      #expect(blocks(model.description.residentBytes, count: 100).contains(held), "\(held)")
    }
  }

  /// The file holds bfloat16: its weights as float32 take twice as much, and what is packed of them as much again.
  @Test(
    "loading takes the weights, what is packed of them, and little beside: never the file as well",
    .disabled(if: sanitizer != nil, "a sanitizer's own memory counts"))
  func peak() async throws {
    let folder = try TemporaryFolder()
    try writeMiddlingBundle("film", in: folder, width: 640)
    let path: String = folder.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      let before = try processMemory("VmRSS")
      let model = try CausalVideoModel(folder: "\(path)/film", precision: .bfloat16)
      let file = Double(model.description.weightsByteCount)
      let peak = Double(try processMemory("VmHWM") - before) / file
      let after = Double(try processMemory("VmRSS") - before) / file
      #expect(file > 30e6 && peak > 2.5 && peak < 3.8, "at the most \(peak) times the file, then \(after)")
      #expect(after > 1 && after < 1.8, "then \(after) times the file")
    }
  }

  @Test("once a model is loaded, its files may be cut short or go")
  func independent() throws {
    let folder = try TemporaryFolder()
    try writeMiddlingBundle("film", in: folder, width: 64)
    let options = StreamOptions(seed: 4, steps: 2), actions = [0, 1, 1, 0]
    let model = try CausalVideoModel(folder: "\(folder.path)/film")
    let wanted = try frames(model, options, actions: actions)
    let other = try CausalVideoModel(folder: "\(folder.path)/film")
    truncate("\(folder.path)/film/weights.safetensors", 100)
    #expect(try frames(other, options, actions: actions) == wanted)
    try FileManager.default.removeItem(atPath: "\(folder.path)/film")
    #expect(try frames(other, options, actions: actions) == wanted)
    #expect(other.makeStream(StreamOptions(seed: 5, steps: 1)).framesGenerated == 0)
  }
}

/// What so many bytes may take in blocks of memory, which are at most an eighth larger and no smaller than 64 bytes.
private func blocks(_ byteCount: Int, count: Int) -> ClosedRange<Int> {
  byteCount...byteCount * 9 / 8 + 64 * count
}

/// A bundle of random weights, some of them many.
private func writeMiddlingBundle(_ name: String, in folder: TemporaryFolder, width: Int) throws {
  var manifest = tinyManifest()
  (manifest.transformer.width, manifest.transformer.layers, manifest.transformer.heads) = (
    width, 4, width / 32
  )
  try tinyBundle(manifest).write(to: "\(folder.path)/\(name)")
}

/// What the system says of this process's memory, in bytes.
private func processMemory(_ key: String) throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(key + ":") })
  return try #require(Int(line.split(whereSeparator: { !$0.isNumber }).last ?? "")) * 1024
}
