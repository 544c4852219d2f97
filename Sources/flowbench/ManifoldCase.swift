// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowManifolds
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

private let sphere = Sphere(dimension: 2)

/// Points of a batch, and the network: the paper's, and a small one on as many points as the daemon sends at a time.
private func extents(_ name: String) -> (samples: Int, width: Int) {
  name.hasSuffix("-small") ? (16_384, 128) : (1024, 512)
}

/// Products of one evaluation, in 10⁹ operations.
private func gigaflops(_ c: MLPConfiguration, samples: Int) -> Double {
  let first = (c.input + 4 * c.frequencies) * c.width
  return 2e-9 * Double(samples * (first + (c.layers - 1) * c.width * c.width + c.output * c.width))
}

/// Riemannian flow matching on the sphere with a small network (Chen and Lipman 2024).
struct ManifoldTask: TrainingTask {
  static var names: [String] { ["manifold-training"] }

  static func export(_ name: String, to writer: inout SafetensorsWriter, _ random: inout Random)
    -> (configuration: any Encodable, layout: ParameterLayout)
  {
    let (samples, width) = extents(name)
    let points: Shape = [batchesPerCase, samples, 3], times: Shape = [batchesPerCase, samples, 1]
    let t = random.uniform(times)
    writer.add("input.x", sphere.samplePrior(batchesPerCase * samples, &random).reshaped(points))
    writer.add("input.noise", sphere.samplePrior(batchesPerCase * samples, &random).reshaped(points))
    writer.add("input.t", t)
    writer.add("input.r", t)
    let model = MLP(MLPConfiguration(input: 3, output: 3, width: width, layers: 4))
    return (model.configuration, model.layout)
  }

  private let model: MLP
  private let x: [Variable]
  private let noise: [Variable]
  private let t: [Variable]

  init(_ name: String, configuration: Data, input: SafetensorsFile) throws {
    model = MLP(try JSONDecoder().decode(MLPConfiguration.self, from: configuration))
    x = try input.batches("input.x")
    noise = try input.batches("input.noise")
    t = try input.batches("input.t")
  }

  var layout: ParameterLayout { model.layout }

  func loss(_ p: Parameters, batch number: Int) -> Variable {
    let t = t[number]
    let (z, v) = sphere.geodesic(from: x[number], to: noise[number], at: t)
    let u = sphere.tangent(model(z, r: t, t: t, p), at: z)
    return (1 / Float(z.shape[0])) * (u - v).map(.square).sum()
  }

  /// Three products for each of the forward pass; the first layer has no gradient with respect to its input.
  var gigaflops: Double {
    let c = model.configuration
    let samples = x[0].shape[0]
    return 3 * flowbench.gigaflops(c, samples: samples)
      - 2e-9 * Double(samples * (c.input + 4 * c.frequencies) * c.width)
  }
}

/// One evaluation of a flow map on the sphere by the sampler of the daemon: x = exp_z(−P_z u(z, 0, 1)).
struct ManifoldSamplingCase: BenchmarkCase {
  static var names: [String] { ["manifold-sampling", "manifold-sampling-small"] }

  static func export(_ name: String) throws -> (SafetensorsWriter, metadata: [String: String]) {
    try TrainingCase<ManifoldTask>.export(name)
  }

  private let configuration: MLPConfiguration
  private let sampler: PointSampler
  private let noise: [Tensor]
  private var runs = 0

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    let model = MLP(
      try JSONDecoder().decode(
        MLPConfiguration.self, from: Data((input.metadata["configuration"] ?? "").utf8)))
    let weights = try model.layout.declarations.map { try input.tensor($0.name, shape: $0.shape) }
    configuration = model.configuration
    sampler = PointSampler(
      CompiledMLP(model, weights: weights, precision: precision),
      PointGeometry(try manifold(named: "sphere(2)")))
    noise = try input.batches("input.noise").map(\.tensor)
  }

  var remarks: [String: Double] { ["gflop": gigaflops(configuration, samples: noise[0].shape[0])] }

  mutating func run() {
    _ = sample(runs % noise.count)
    runs += 1
  }

  func results() -> [(name: String, tensor: Tensor)] { [("output", sample(0))] }

  private func sample(_ batch: Int) -> Tensor { sampler.transport(noise[batch], PointWalk(evaluations: 1)) }
}
