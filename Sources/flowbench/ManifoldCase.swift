// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowManifolds
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// Points of the unit sphere in ℝ³ and their geodesics, as far as the manifold cases need them.
private enum Sphere {
  static func points(_ count: Int, _ random: inout Random) -> Tensor {
    let x = random.normal([count, 3])
    let norm = x.map(.square).sum(axis: 1).map(.sqrt).reshaped([count, 1])
    return Tensor.combine(.divide, x, norm)
  }

  /// Where the geodesic from a to b is at t, and how fast: exp_a(t·log_a b) and its derivative in t.
  static func geodesic(from a: Variable, to b: Variable, at t: Variable) -> (Variable, Variable) {
    let norm = { (x: Variable) in x.map(.square).sum(axes: [1], keepingAxes: true).map(.sqrt) }
    // The angle from both chords: exact where the arc cosine is not.
    let angle = 2 * Variable.arctangent(y: norm(a - b), x: norm(a + b))
    let sine = angle.map(.sine), rest = (1 - t) * angle, gone = t * angle
    return (
      (rest.map(.sine) * a + gone.map(.sine) * b) / sine,
      angle * (gone.map(.cosine) * b - rest.map(.cosine) * a) / sine
    )
  }

  /// The part of u that is tangent at z.
  static func project(_ u: Variable, at z: Variable) -> Variable {
    u - (u * z).sum(axes: [1], keepingAxes: true) * z
  }

  /// exp_z(w) for tangent vectors w.
  static func exp(_ z: Variable, _ w: Variable) -> Variable {
    let length = w.map(.square).sum(axes: [1], keepingAxes: true).map(.sqrt)
    return length.map(.cosine) * z + (length.map(.sine) / (length + 1e-12)) * w
  }
}

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
    writer.add("input.x", Sphere.points(batchesPerCase * samples, &random).reshaped(points))
    writer.add("input.noise", Sphere.points(batchesPerCase * samples, &random).reshaped(points))
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
    let (z, v) = Sphere.geodesic(from: x[number], to: noise[number], at: t)
    let u = Sphere.project(model(z, r: t, t: t, p), at: z)
    return (1 / Float(samples)) * (u - v).map(.square).sum()
  }

  /// Three products for each of the forward pass; the first layer has no gradient with respect to its input.
  var gigaflops: Double {
    let c = model.configuration
    return 3 * flowbench.gigaflops(c)
      - 2e-9 * Double(samples * (c.input + 4 * c.frequencies) * c.width)
  }
}

/// One evaluation of a flow map on the sphere by the sampler of the daemon: x = exp_z(−P_z u(z, 0, 1)).
struct ManifoldSamplingCase: BenchmarkCase {
  static var names: [String] { ["manifold-sampling"] }

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
      CompiledMLP(model, weights: weights, precision: precision), PointGeometry(try manifold(named: "sphere(2)")))
    noise = try input.batches("input.noise").map(\.tensor)
  }

  var remarks: [String: Double] { ["gflop": gigaflops(configuration)] }

  mutating func run() {
    _ = sample(runs % noise.count)
    runs += 1
  }

  func results() -> [(name: String, tensor: Tensor)] { [("output", sample(0))] }

  private func sample(_ batch: Int) -> Tensor { sampler.transport(noise[batch], PointWalk(evaluations: 1)) }
}
