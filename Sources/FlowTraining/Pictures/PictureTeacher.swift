// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// A trained model of pictures: constant weights that others begin with, or whose velocity they learn.
struct PictureTeacher: Sendable {
  let model: PictureModel
  let weights: [Tensor]
  /// Whether it has learnt jumps; else it has learnt velocities alone.
  let knowsJumps: Bool
  /// The scale of guidance of its velocity.
  let scale: Float
  /// What guidance leads away from: a weaker model asked for the same, or this one asked for no class.
  let weak: (model: PictureModel, weights: [Tensor])?

  /// The velocity for pictures of these classes, a constant.
  func velocity(_ labels: [Int32]) -> ObjectiveMaps.Field {
    let strong = field(model, weights, labels)
    if scale == 1 { return strong }
    let away: ObjectiveMaps.Field
    if let weak {
      away = field(weak.model, weak.weights, labels)
    } else {
      let null = model.network.configuration.nullClass
      away = field(model, weights, labels.map { _ in null })
    }
    return { z, t in
      let (best, worst) = (strong(z, t), away(z, t))
      return worst + scale * (best - worst)
    }
  }

  /// The weights that others begin with, by their names.
  func beginning(seed: UInt64) -> [String: Tensor] {
    let network = model.network
    let tellsLengths = network.configuration.jumps == .length
    let given = knowsJumps || !tellsLengths ? weights : network.forgettingLengths(weights, seed: seed)
    return Dictionary(uniqueKeysWithValues: zip(network.layout.declarations, given).map { ($0.name, $1) })
  }

  /// What keeps a network from beginning with these weights, or nil: parameters that it lacks begin fresh, those that both have
  /// must have one shape, and answers must mean the same.
  func mismatch(with other: PictureModel) -> String? {
    if other.head != model.head {
      return
        "the teacher's head is \(model.head.rawValue), network.head \(other.head.rawValue); use one for both"
    }
    let own = Dictionary(
      uniqueKeysWithValues: model.network.layout.declarations.map { ($0.name, $0.shape) })
    return other.network.layout.declarations.lazy.compactMap { declaration -> String? in
      guard let shape = own[declaration.name], shape != declaration.shape else { return nil }
      return
        "\(declaration.name) is \(shape) in the teacher and \(declaration.shape) here; use networks of one shape"
    }.first
  }

  private func field(_ model: PictureModel, _ weights: [Tensor], _ labels: [Int32]) -> ObjectiveMaps.Field {
    let map = model.map(PictureConditions(labels: labels), Parameters(weights))
    return { z, t in map.velocity(z.detached, at: t.detached) }
  }
}
