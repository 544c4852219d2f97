// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowCheckpoint
import FlowNN
import FlowTensor
import Foundation
import Testing

/// tools/fixtures/networks_golden.py wrote the files: an independent reading of both networks, in float64.
@Suite("The networks against their originals in NumPy")
struct GoldenTests {
  @Test("the transformer computes what the original does")
  func transformer() throws {
    let golden = try Golden("transformer")
    let configuration = CausalTransformerConfiguration(
      latentHeight: 4, latentWidth: 6, latentChannels: 3, width: 16, layers: 2, heads: 2, actions: 3,
      window: 2,
      sink: 1)
    let model = CausalTransformer(configuration)
    let conditions = FrameConditions(
      previous: try golden["previous"], actions: try golden.integers("actions"),
      contextNoise: try golden["noise"].reshaped([10, 1]))
    let output = model(
      try golden["noisy"], r: try golden["r"].reshaped([10, 1]), t: try golden["t"].reshaped([10, 1]),
      conditions,
      positions: try golden.integers("positions").map(Int.init), try golden.parameters(model.layout))
    #expect(distance(output.tensor, try golden["output"].tensor) < 1e-4)
  }

  @Test("the autoencoder computes what the original does, in both directions")
  func autoencoder() throws {
    let golden = try Golden("autoencoder")
    let model = Autoencoder(
      AutoencoderConfiguration(
        height: 16, width: 24, outerChannels: 4, innerChannels: 6, blocks: 1, latentChannels: 3))
    let parameters = try golden.parameters(model.layout)
    #expect(
      distance(model.encode(try golden["pictures"], parameters).tensor, try golden["encoded"].tensor) < 1e-4)
    #expect(
      distance(model.decode(try golden["latents"], parameters).tensor, try golden["decoded"].tensor) < 1e-4)
  }
}

/// A golden file: weights by the names of a layout, inputs and outputs.
private struct Golden {
  let file: SafetensorsFile

  init(_ name: String) throws {
    file = try SafetensorsFile(path: Bundle.module.bundlePath + "/Fixtures/\(name).safetensors")
  }

  subscript(_ name: String) -> Variable {
    get throws { Variable(try file.tensor(name, shape: Shape(try file.entry(name).shape))) }
  }

  func integers(_ name: String) throws -> [Int32] { file.array(of: try file.entry(name)) }

  /// The weights of a layout, which must be all that the file has.
  func parameters(_ layout: ParameterLayout) throws -> Parameters {
    let names = file.names.filter { $0.hasPrefix("weight.") }
    #expect(names == layout.declarations.map { "weight.\($0.name)" }.sorted())
    return Parameters(try layout.declarations.map { try file.tensor("weight.\($0.name)", shape: $0.shape) })
  }
}
