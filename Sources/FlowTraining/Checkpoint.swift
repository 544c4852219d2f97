// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowNN
internal import FlowTensor

/// Everything that training needs to go on as if it had never stopped.
struct Checkpoint {
  var step: Int
  /// Steps that changed nothing, because their loss or gradient was not finite.
  var skipped: Int
  var tensors: [TrainedTensor]

  /// Training at its beginning.
  init(_ weights: [Tensor]) {
    step = 0
    skipped = 0
    tensors = weights.map { TrainedTensor($0) }
  }

  var weights: [Tensor] { tensors.map(\.weight) }
  var averages: [Tensor] { tensors.map(\.average) }

  /// Reads a checkpoint of a model of this layout. Throws `CheckpointError` or ``TrainingError``.
  init(path: String, layout: ParameterLayout) throws {
    let file = try SafetensorsFile(path: path)
    let number = { (key: String) in file.metadata[key].flatMap { Int($0) } }
    guard let step = number("step") else {
      throw TrainingError(
        .badCheckpoint, "\(path): the metadata lack the step; remove the file to begin anew")
    }
    self.step = step
    skipped = number("skipped") ?? 0
    tensors = try layout.declarations.map { declaration in
      let read = { (part: String) in try file.tensor("\(part).\(declaration.name)", shape: declaration.shape)
      }
      return TrainedTensor(
        weight: try read("weight"), first: try read("first"), second: try read("second"),
        average: try read("average"))
    }
  }

  /// Writes the checkpoint, whole or not at all.
  func write(to path: String, layout: ParameterLayout) throws {
    var writer = SafetensorsWriter()
    for (declaration, trained) in zip(layout.declarations, tensors) {
      writer.add("weight.\(declaration.name)", trained.weight)
      writer.add("first.\(declaration.name)", trained.first)
      writer.add("second.\(declaration.name)", trained.second)
      writer.add("average.\(declaration.name)", trained.average)
    }
    try writer.write(to: path, metadata: ["step": "\(step)", "skipped": "\(skipped)"])
  }
}
