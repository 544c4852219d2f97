// SPDX-License-Identifier: Apache-2.0

@testable internal import FlowGeneration
internal import FlowManifolds

/// What a bundle says of itself: `model.json` of a video model or `manifold.json` of a flow map.
let manifestTarget = Target(
  "manifest",
  seeds: {
    try
      (repositoryFiles("models", ending: "model.json") + repositoryFiles("manifolds", ending: "manifold.json"))
      .map(contents)
  }
) { bytes in
  let file = ScratchFile(name: "model.json")
  file.write(bytes)
  check(VideoManifest.self, file.path) { $0.fault }
  check(ManifoldManifest.self, file.path) { manifest in
    guard let space = try? manifold(named: manifest.geometry) else { return "there is no such manifold" }
    return manifest.fault(on: PointGeometry(space))
  }
}

/// A manifest that is read is checked without a trap and is written as it was read.
private func check<Manifest: Codable & Equatable>(
  _ type: Manifest.Type, _ path: String, fault: (Manifest) -> String?
) {
  do throws(BundleError) {
    let manifest = try BundleFile.decode(type, path, kind: "a manifest")
    if let fault = fault(manifest) { return expect(!fault.isEmpty, "a fault has a message") }
    let copy = ScratchFile(name: "copy.json").path
    expect((try? BundleFile.encode(manifest, to: copy)) != nil, "a manifest can be written")
    expect(try BundleFile.decode(type, copy, kind: "a manifest") == manifest, "and is read as it was")
  } catch {
    expect(error.code == .badManifest && !error.message.isEmpty, "an error has its code and a message")
  }
}
