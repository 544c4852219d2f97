// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// What packing a transformer takes, found by running its definition on nothing: no weights are needed.
final class PackedSizes: TransformerArithmetic {
  /// Tokens of which nothing is known.
  struct Value {}

  private let layout: ParameterLayout
  private let precision: InferencePrecision
  /// Bytes of the packed layers.
  private(set) var byteCount = 0
  /// The parameters that a plan has in a form of its own; the others decide modulations.
  private(set) var packed: Set<Int> = []
  /// Bytes of the norms' weights, which a plan keeps as they are.
  private var normByteCount = 0

  init(_ model: CausalTransformer, _ precision: InferencePrecision) {
    layout = model.layout
    self.precision = precision
    _ = model.predictedChange(Value(), self)
  }

  /// Bytes of everything: packed layers, norms and what modulations are made of.
  var residentByteCount: Int {
    let rest = layout.declarations.enumerated().filter { !packed.contains($0.offset) }
    return byteCount + normByteCount + rest.reduce(0) { $0 + 4 * $1.element.shape.count }
  }

  func linear(_ x: Value, _ layer: LinearLayer) -> Value { pack([layer]) }

  func modulatedLinear(_ x: Value, shift: Int, scale: Int, _ layer: LinearLayer) -> Value { pack([layer]) }

  func attention(_ x: Value, shift: Int, scale: Int, _ a: AttentionLayers) -> Value {
    for norm in [a.normQ, a.normK] {
      packed.insert(norm.index)
      normByteCount += 4 * layout.declarations[norm.index].shape.count
    }
    return pack([a.q, a.k, a.v])
  }

  func adding(_ x: Value, gate: Int, _ layer: LinearLayer, of y: Value) -> Value { pack([layer]) }

  func addingFeedForward(
    _ x: Value, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer
  ) -> Value {
    _ = pack([up])
    return pack([down])
  }

  private func pack(_ layers: [LinearLayer]) -> Value {
    let shapes = layers.map { layout.declarations[$0.weight.index].shape }
    byteCount += PackedLinear.byteCount(
      inputs: shapes[0][1], outputs: shapes.reduce(0) { $0 + $1[0] }, precision: precision)
    packed.formUnion(layers.flatMap { [$0.weight.index, $0.bias.index] })
    return Value()
  }
}

extension CausalTransformer {
  /// Bytes that a ``CompiledTransformer`` of this model keeps for its weights. The buffers of a step, which grow with
  /// its batch, and the modulations that it has seen, at most 64 MiB, come on top.
  public func residentByteCount(_ precision: InferencePrecision) -> Int {
    PackedSizes(self, precision).residentByteCount
  }
}
