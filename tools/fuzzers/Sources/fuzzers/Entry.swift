// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// All targets.
private let targets = [
  requestTarget, replyTarget, clientTarget, reportTarget, safetensorsTarget, manifestTarget, recipeTarget,
  pngTarget, idxTarget, pointsTarget, geometryTarget,
]

/// The target that `FLOW_FUZZ_TARGET` names.
private let target: Target = {
  let name = environment("FLOW_FUZZ_TARGET")
  guard let target = targets.first(where: { $0.name == name }) else {
    fail("FLOW_FUZZ_TARGET is '\(name)'; take one of \(targets.map(\.name).joined(separator: ", "))")
  }
  return target
}()

/// Called once, before the corpus is read: writes the seeds where `FLOW_FUZZ_SEEDS` says.
@_cdecl("LLVMFuzzerInitialize")
public func initialise(_ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer) -> Int32 {
  let folder = environment("FLOW_FUZZ_SEEDS")
  do {
    for (index, seed) in try target.seeds().enumerated() {
      ScratchFile(path: "\(folder)/\(target.name)-\(index)").write(seed)
    }
  } catch {
    fail("no seeds: \(error)")
  }
  return 0
}

/// Called for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}
