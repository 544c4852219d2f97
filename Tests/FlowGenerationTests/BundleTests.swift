// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import FlowGeneration
import FlowNN
import FlowTensor
import Foundation
import Testing

@Suite("Video bundles")
struct BundleTests {
  @Test("a bundle that is read back gives the frames of the one written")
  func roundTrip() throws {
    try withFolder { folder in
      let bundle = tinyBundle()
      try bundle.write(to: folder + "/tiny")
      let read = try VideoBundle(folder: folder + "/tiny/")
      var manifest = bundle.manifest
      manifest.weights = read.sha256
      #expect(read.name == "tiny" && read.manifest == manifest && read.sha256.count == 64)
      #expect(try VideoBundle.manifest(folder: folder + "/tiny") == manifest)
      let made = try [bundle, read].map {
        try frames(CausalVideoModel($0), StreamOptions(seed: 5, steps: 2), actions: [0, 1, 1, 0, 1])
      }
      #expect(made[0] == made[1])
      let description = CausalVideoModel(read).description
      #expect(
        description.name == "tiny" && description.sha256 == read.sha256 && description.defaultAction == 0)
    }
  }

  /// What is replaced in `model.json`, by what, and what the error must name.
  static let faults: [(String, String, String)] = [
    ("\"format\" : \"flow-video-1\"", "\"format\" : \"flow-video-9\"", "format 'flow-video-9'"),
    ("\"height\" : 16", "\"height\" : 20", "autoencoder.height"),
    ("\"height\" : 16", "\"height\" : -16", "autoencoder.height"),
    ("\"innerChannels\" : 5", "\"innerChannels\" : 0", "autoencoder.innerChannels"),
    ("\"outerChannels\" : 4", "\"outerChannels\" : 4611686018427387904", "autoencoder.outerChannels"),
    ("\"blocks\" : 1", "\"blocks\" : -1", "autoencoder.blocks"),
    ("\"heads\" : 2", "\"heads\" : 5", "transformer.heads"),
    ("\"heads\" : 2", "\"heads\" : 4", "transformer.heads"),
    ("\"heads\" : 2", "\"heads\" : 0", "transformer.heads"),
    ("\"layers\" : 2", "\"layers\" : 0", "transformer.layers"),
    ("\"window\" : 2", "\"window\" : 0", "transformer.window"),
    ("\"sink\" : 1", "\"sink\" : -1", "transformer.sink"),
    ("\"latentHeight\" : 2", "\"latentHeight\" : 4", "transformer.latentHeight"),
    ("\"latentWidth\" : 4", "\"latentWidth\" : 2", "transformer.latentWidth"),
    ("\"latentHeight\" : 2", "\"latentHeight\" : 4611686018427387904", "transformer.latentHeight"),
    ("\"defaultAction\" : \"none\"", "\"defaultAction\" : \"up\"", "defaultAction 'up'"),
    ("\"defaultSteps\" : 2", "\"defaultSteps\" : 0", "defaultSteps"),
    ("\"maximumSteps\" : 4", "\"maximumSteps\" : 1", "maximumSteps"),
    ("\"maximumSteps\" : 4", "\"maximumSteps\" : 65", "maximumSteps"),
    ("\"sampler\" : \"jumps\"", "\"sampler\" : \"leaps\"", "sampler"),
    ("\"framesPerSecond\" : 12", "\"framesPerSecond\" : 0", "framesPerSecond"),
    ("\"contextNoise\" : 0.125", "\"contextNoise\" : -1", "contextNoise"),
    ("\"starts\" : 3", "\"starts\" : 0", "starts"),
    ("\"actions\" : 2", "\"actions\" : 3", "transformer.actions"),
    ("\"summary\"", "\"sumary\"", "summary"), ("\"starts\" : 3", "\"starts\" : \"three\"", "starts"),
    ("{", "", "not a video manifest"),
  ]

  @Test("a manifest that cannot be is refused with the name of the field", arguments: faults)
  func badManifest(fault: (String, String, String)) throws {
    try withFolder { folder in
      try tinyBundle().write(to: folder)
      let path = folder + "/model.json"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let range = try #require(text.range(of: fault.0), "\(text)")
      try text.replacingCharacters(in: range, with: fault.1).write(
        toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: BundleError.self) { try VideoBundle(folder: folder) }
      #expect(error?.code == .badManifest && error?.message.contains(path) == true)
      #expect(error?.message.contains(fault.2) == true, "\(error?.message ?? "")")
      #expect(error?.message.hasSuffix("make the bundle again with flowtrain") == true)
    }
  }

  @Test("a folder without a bundle is named", arguments: ["model.json", "weights.safetensors"])
  func missing(file: String) throws {
    try withFolder { folder in
      try tinyBundle().write(to: folder)
      try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
      let error = #expect(throws: BundleError.self) { try VideoBundle(folder: folder) }
      #expect(error?.code == (file == "model.json" ? .missing : .badWeights))
      #expect(error?.message.contains("\(folder)/\(file)") == true)
    }
  }

  @Test("truncated weights are refused", arguments: [0, 7, 100, 5000, -1])
  func truncated(count: Int) throws {
    try expectRefusal { bytes in bytes.prefix(count < 0 ? bytes.count - 1 : count) }
  }

  @Test(
    "a flipped bit is found, and the tensor named",
    arguments: [
      "transformer.blocks.1.ffn.0.weight", "autoencoder.decoder.up.weight", "latent.mean", "starts",
    ])
  func flipped(tensor: String) throws {
    try expectRefusal(naming: "tensor '\(tensor)'") { bytes in
      // The header gives each tensor's place after itself.
      let length = Int(bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      let header = try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: Any]
      let entry = try #require(header?[tensor] as? [String: Any])
      let place = try #require((entry["data_offsets"] as? [Int])?.first)
      var damaged = bytes
      damaged[8 + length + place] ^= 1
      return damaged[...]
    }
  }

  @Test("weights of another shape are refused, and the tensor named")
  func wrongShape() throws {
    try withFolder { folder in
      try tinyBundle().write(to: folder)
      var manifest = tinyManifest()
      manifest.transformer.width = 16
      try JSONEncoder().encode(manifest).write(to: URL(filePath: folder + "/model.json"))
      let error = #expect(throws: BundleError.self) { try VideoBundle(folder: folder) }
      #expect(error?.code == .badWeights)
      #expect(
        error?.message.contains("tensor 'transformer.patch_embedding.weight'") == true,
        "\(error?.message ?? "")")
    }
  }

  /// Writes a bundle, damages its weights, and expects them to be refused.
  private func expectRefusal(
    naming part: String = "weights.safetensors", _ damage: ([UInt8]) throws -> ArraySlice<UInt8>
  ) throws {
    try withFolder { folder in
      try tinyBundle().write(to: folder)
      let url = URL(filePath: folder + "/weights.safetensors")
      try Data(damage([UInt8](Data(contentsOf: url)))).write(to: url)
      let error = #expect(throws: BundleError.self) { try VideoBundle(folder: folder) }
      #expect(error?.code == .badWeights)
      #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }
  }

  @Test("a manifest whose cache would not fit is refused, although each size is possible")
  func hugeCache() {
    let manifest = VideoManifest(
      summary: "",
      autoencoder: AutoencoderConfiguration(
        height: 4096, width: 4096, outerChannels: 4, innerChannels: 4, blocks: 0, latentChannels: 4),
      transformer: CausalTransformerConfiguration(
        latentHeight: 512, latentWidth: 512, latentChannels: 4, width: 64, layers: 1, heads: 4, actions: 1,
        window: 4096, sink: 1),
      method: "", defaultSteps: 1, maximumSteps: 1, contextNoise: 0, framesPerSecond: 1, actions: ["none"],
      defaultAction: "none", starts: 1, dataLicence: "")
    #expect(manifest.fault?.contains("transformer.window") == true)
  }
}
