// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowManifolds
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

private let sphere = Sphere(dimension: 2)
private let samples = 1024

private func manifoldModel() -> MLP {
  MLP(MLPConfiguration(input: 3, output: 3, width: 512, layers: 4))
}

/// Products of one evaluation, in 10⁹ operations.
private func gigaflops(_ c: MLPConfiguration) -> Double {
  let first = (c.input + 4 * c.frequencies) * c.width
  return 2e-9 * Double(samples * (first + (c.layers - 1) * c.width * c.width + c.output * c.width))
}

/// Riemannian flow matching on the sphere with a small network (Chen and Lipman 2024).
struct ManifoldTask: TrainingTask {
  static var names: [String] { ["manifold-training"] }

  static func export(_ name: String, to writer: inout SafetensorsWriter, _ random: inout Random)
    -> (configuration: any Encodable, layout: ParameterLayout)
  {
    let points: Shape = [batchesPerCase, samples, 3], times: Shape = [batchesPerCase, samples, 1]
    let t = random.uniform(times)
    writer.add("input.x", sphere.samplePrior(batchesPerCase * samples, &random).reshaped(points))
    writer.add("input.noise", sphere.samplePrior(batchesPerCase * samples, &random).reshaped(points))
    writer.add("input.t", t)
    writer.add("input.r", t)
    return (manifoldModel().configuration, manifoldModel().layout)
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
    return (1 / Float(samples)) * (u - v).map(.square).sum()
  }

  /// Three products for each of the forward pass; the first layer has no gradient with respect to its input.
  var gigaflops: Double {
    let c = model.configuration
    return 3 * flowbench.gigaflops(c)
      - 2e-9 * Double(samples * (c.input + 4 * c.frequencies) * c.width)
  }
}

/// One evaluation of a flow map on the sphere: x = exp_z(−P_z u(z, 0, 1)).
struct ManifoldSamplingCase: BenchmarkCase {
  static var names: [String] { ["manifold-sampling"] }

  static func export(_ name: String) throws -> (SafetensorsWriter, metadata: [String: String]) {
    try TrainingCase<ManifoldTask>.export(name)
  }

  private let model: MLP
  private let parameters: Parameters
  private let noise: [Variable]
  private let precision: MatmulPrecision
  private var runs = 0

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    guard let precision = MatmulPrecision(rawValue: precision.rawValue) else {
      throw NoSuchCase(description: "the network of the sphere multiplies in float32 or bfloat16")
    }
    self.precision = precision
    model = MLP(
      try JSONDecoder().decode(
        MLPConfiguration.self, from: Data((input.metadata["configuration"] ?? "").utf8)))
    parameters = Parameters(try model.layout.declarations.map { try input.tensor($0.name, shape: $0.shape) })
    noise = try input.batches("input.noise")
  }

  var remarks: [String: Double] { ["gflop": gigaflops(model.configuration)] }

  mutating func run() {
    _ = sample(runs % noise.count)
    runs += 1
  }

  func results() -> [(name: String, tensor: Tensor)] { [("output", sample(0))] }

  private func sample(_ batch: Int) -> Tensor {
    MatmulPrecision.$current.withValue(precision) {
      let z = noise[batch], times = { Variable(Tensor(repeating: $0, shape: [samples, 1])) }
      let u = sphere.tangent(model(z, r: times(0), t: times(1), parameters), at: z)
      return sphere.exp(z, -u).tensor
    }
  }
}
