// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// A trained model of pictures: constant weights that others begin with, or whose velocity they learn.
struct PictureTeacher: Sendable {
  let model: PictureModel
  let weights: [Tensor]
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

  private func field(_ model: PictureModel, _ weights: [Tensor], _ labels: [Int32]) -> ObjectiveMaps.Field {
    let map = model.map(PictureConditions(labels: labels), Parameters(weights))
    return { z, t in map.velocity(z.detached, at: t.detached) }
  }
}
