// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowMaps
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// Flow matching and MeanFlow of small pictures with a diffusion transformer.
struct DiffusionTask: TrainingTask {
  /// MeanFlow takes the tangent of the whole batch, or of the samples off the diagonal only.
  private enum Method: String, CaseIterable {
    case flowMatching = "training-flow-matching"
    case meanFlow = "training-meanflow"
    case meanFlowOfTheRest = "training-meanflow-rest"
  }

  static var names: [String] { Method.allCases.map(\.rawValue) }

  private static let batch = 128
  /// Samples of a MeanFlow batch with r = t, the first ones.
  private static let diagonal = 96

  static func export(_ name: String, to writer: inout SafetensorsWriter, _ random: inout Random)
    -> (configuration: any Encodable, layout: ParameterLayout)
  {
    let configuration = DiffusionTransformerConfiguration(
      pictureHeight: 28, pictureWidth: 28, pictureChannels: 1, patch: 4, width: 192, layers: 6, heads: 3,
      classes: 10)
    let pictures: Shape = [batchesPerCase, batch, 28, 28, 1], times: Shape = [batchesPerCase, batch, 1]
    let t = random.uniform(times)
    // Factors of t: 1 on the diagonal.
    let isFlowMatching = name == Method.flowMatching.rawValue
    let factors = random.uniforms(times.count).enumerated().map { index, factor in
      isFlowMatching || index % batch < diagonal ? 1 : factor
    }
    writer.add("input.x", random.normal(pictures))
    writer.add("input.noise", random.normal(pictures))
    writer.add("input.t", t)
    writer.add("input.r", Tensor.combine(.multiply, t, Tensor(factors, shape: times)))
    let labels = (0..<batchesPerCase * batch).map { Float($0 * 7 % (configuration.classes + 1)) }
    writer.add("input.labels", Tensor(labels, shape: [batchesPerCase, batch]))
    return (configuration, DiffusionTransformer(configuration).layout)
  }

  private let method: Method
  private let model: DiffusionTransformer
  private let x: [Variable]
  private let noise: [Variable]
  private let t: [Variable]
  private let r: [Variable]
  private let labels: [[Int32]]

  init(_ name: String, configuration: Data, input: SafetensorsFile) throws {
    method = Method(rawValue: name)!
    model = DiffusionTransformer(
      try JSONDecoder().decode(DiffusionTransformerConfiguration.self, from: configuration))
    x = try input.batches("input.x")
    noise = try input.batches("input.noise")
    t = try input.batches("input.t")
    r = try input.batches("input.r")
    labels = try input.batches("input.labels").map { $0.tensor.elements.map { Int32($0) } }
  }

  var layout: ParameterLayout { model.layout }

  func loss(_ p: Parameters, batch number: Int) -> Variable {
    let (x, e, t, r) = (x[number], noise[number], t[number], r[number]), labels = labels[number]
    let z = LinearPath.interpolate(data: x, noise: e, at: t.reshaped([t.shape[0], 1, 1, 1]))
    let v = e - x
    if method == .flowMatching {
      return (model(z, r: t, t: t, PictureConditions(labels: labels), p) - v).map(.square).mean()
    }
    let (u, target) = meanFlow(
      z, r: r, t: t, velocity: v, diagonal: method == .meanFlow ? 0 : Self.diagonal
    ) { z, r, t in
      model(z, r: r, t: t, PictureConditions(labels: labels), p)
    }
    return adaptiveLoss(u, target)
  }

  /// Three products for each of the forward pass, and one more where a tangent goes along; attention has 2.5 backward.
  var gigaflops: Double {
    let c = model.configuration, d = c.width, tokens = Self.batch * c.tokens
    let blocks = tokens * (4 + 2 * c.expansion) * d * d + Self.batch * 6 * d * d
    let linear = c.layers * blocks + tokens * 2 * c.patchCount * d + Self.batch * 2 * d * d
    let attention = c.layers * tokens * 2 * c.tokens * d
    let moved = [
      Method.flowMatching: 0, .meanFlow: Self.batch, .meanFlowOfTheRest: Self.batch - Self.diagonal,
    ][method]!
    let share = Double(moved) / Double(Self.batch)
    return 2e-9 * (Double(linear) * (3 + share) + Double(attention) * (3.5 + 2 * share))
  }
}
