// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// The embeddings of what a ``DiffusionTransformer`` is asked for.
struct ConditionEmbedding: Sendable {
  private let c: DiffusionTransformerConfiguration
  private let features: TimeFeatures
  private let time: (LinearLayer, LinearLayer)
  private let jump: (LinearLayer, LinearLayer)
  private let scalars: [(LinearLayer, LinearLayer)]
  private let classes: Parameter?
  private let places: Parameter?

  init(_ layout: inout ParameterLayout, _ c: DiffusionTransformerConfiguration) {
    let d = c.width, features = TimeFeatures(frequencies: 128, scale: c.timeScale)
    let pair = { (layout: inout ParameterLayout, name: String) in
      (
        LinearLayer(&layout, "\(name).0", input: features.count, output: d),
        LinearLayer(&layout, "\(name).2", input: d, output: d)
      )
    }
    time = pair(&layout, "time_embedding")
    jump = pair(&layout, "interval_embedding")
    scalars = (0..<c.scalars).map { pair(&layout, "scalar_embeddings.\($0)") }
    classes =
      c.classes > 0 ? layout.declare("class_embedding.weight", [c.classes + 1, d], .normal(0.02)) : nil
    let tokens = c.conditionTokens * (2 + c.scalars + (c.classes > 0 ? 1 : 0))
    places = tokens > 0 ? layout.declare("condition_places", [tokens, d], .normal(0.02)) : nil
    self.c = c
    self.features = features
  }

  /// The sum of the embeddings, [batch, width].
  func callAsFunction(r: Variable, t: Variable, _ asked: PictureConditions, _ p: Parameters) -> Variable {
    let all = parts(r: r, t: t, asked, p)
    return all.dropFirst().reduce(all[0], +).map(.silu)
  }

  /// Some tokens for each embedding, [batch, tokens, width], told apart by learnt places.
  func tokens(r: Variable, t: Variable, _ asked: PictureConditions, _ p: Parameters) -> Variable {
    guard let places else { preconditionFailure("ConditionEmbedding: conditions are no tokens") }
    return stack(parts(r: r, t: t, asked, p), axis: 1).repeated(c.conditionTokens, axis: 1) + p[places]
  }

  /// Weights to which every jump is as one of length 0 was to these, with a fresh first layer to tell lengths by.
  func forgettingLengths(_ weights: [Tensor], fresh: [Tensor]) -> [Tensor] {
    let none = Variable(Tensor.zeros([1, 1]))
    var changed = weights
    changed[jump.1.bias.index] = embed(jump, none, Parameters(weights)).tensor.reshaped([c.width])
    changed[jump.1.weight.index] = Tensor.zeros([c.width, c.width])
    for layer in [jump.0.weight, jump.0.bias] { changed[layer.index] = fresh[layer.index] }
    return changed
  }

  private func embed(_ layers: (LinearLayer, LinearLayer), _ x: Variable, _ p: Parameters) -> Variable {
    layers.1(layers.0(features(x), p, activation: .silu), p)
  }

  /// The embedding of each condition, [batch, width].
  private func parts(r: Variable, t: Variable, _ asked: PictureConditions, _ p: Parameters) -> [Variable] {
    precondition(
      asked.labels.count == (classes == nil ? 0 : t.shape[0]) && asked.scalars.count == scalars.count,
      "DiffusionTransformer: \(asked.labels.count) labels, \(asked.scalars.count) scalars for \(t.shape[0]) pictures, "
        + "\(c.classes) classes, \(scalars.count) scalars")
    let times = [embed(time, t, p), embed(jump, c.jumps == .length ? t - r : r, p)]
    return times + zip(scalars, asked.scalars).map { embed($0, $1, p) }
      + (classes.map { [p[$0].gather(asked.labels)] } ?? [])
  }
}
