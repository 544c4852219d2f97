// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowMaps
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// Noise and what a teacher's flow makes of it: what reflow learns from in place of data (Liu et al. 2022).
struct PicturePairs: Sendable {
  private let data: Tensor
  private let noise: Tensor
  private let labels: [Int32]

  /// The pairs in a file, which is made if it is not there.
  init(
    path: String, _ recipe: PictureTeacherRecipe, teacher: PictureTeacher, seed: UInt64, progress: Progress
  ) throws {
    if !FileManager.default.fileExists(atPath: path) {
      let count = recipe.count ?? 20_000, batch = 250
      var noises: [Tensor] = [], made: [Tensor] = []
      var labels: [Int32] = []
      for first in stride(from: 0, to: count, by: batch) {
        progress.show("pairs: \(first) of \(count)")
        let some = min(batch, count - first)
        var random = Random(key: seed, stream: (1 << 58) + UInt64(first))
        let noise = random.normal([some, teacher.model.picture.count])
        let classes = (first..<first + some).map { Int32($0 % teacher.model.network.configuration.classes) }
        noises.append(noise)
        made.append(eulerWalk(noise, steps: recipe.steps ?? 32, field: teacher.velocity(classes)))
        labels += classes
      }
      var writer = SafetensorsWriter()
      writer.add("noise", Tensor.concatenate(noises, axis: 0))
      writer.add("data", Tensor.concatenate(made, axis: 0))
      writer.add("labels", Tensor(labels.map { Float($0) }))
      try writer.write(to: path, metadata: [:])
    }
    let file = try SafetensorsFile(path: path)
    data = try file.tensor("data", shape: Shape(file.entry("data").shape))
    noise = try file.tensor("noise", shape: Shape(file.entry("noise").shape))
    labels = try file.tensor("labels", shape: Shape(file.entry("labels").shape)).elements.map { Int32($0) }
  }

  /// Some pairs, drawn with replacement.
  func batch(_ count: Int, _ random: inout Random) -> (data: Tensor, noise: Tensor, labels: [Int32]) {
    let all = labels.count
    let indices = random.uniforms(count).map { Int32(min(all - 1, Int($0 * Float(all)))) }
    return (data.gather(indices), noise.gather(indices), indices.map { labels[Int($0)] })
  }
}

/// A column of one time.
func column(_ time: Float, _ count: Int) -> Variable {
  Variable(Tensor(repeating: time, shape: [count, 1]))
}

/// Noise, walked to the data in equal steps of Euler's method.
func eulerWalk(_ noise: Tensor, steps: Int, field: ObjectiveMaps.Field) -> Tensor {
  (0..<steps).reduce(Variable(noise)) { z, step in
    let t = 1 - Float(step) / Float(steps)
    return (z - (1 / Float(steps)) * field(z, column(t, noise.shape[0]))).detached
  }.tensor
}
