// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowNN
public import FlowTensor

/// One stage of training: a model, a loss on batches that it draws itself, and ways to look at the result.
public protocol TrainingStage {
  /// The name of the stage: of its folder and in its progress lines.
  var name: String { get }
  /// The parameters that are trained.
  var layout: ParameterLayout { get }
  /// The optimiser and its schedule.
  var optimiser: OptimiserRecipe { get }
  /// Pictures or frames that one step learns from.
  var examplesPerStep: Int { get }

  /// The weights to begin with, in the order of the layout.
  func initialWeights() -> [Tensor]

  /// The loss of one batch.
  ///
  /// - Parameters:
  ///   - parameters: recorded, to differentiate.
  ///   - average: the moving average, constant.
  ///   - progress: the share of the steps that has been taken, 0 at the first and below 1 at the last: for what changes as
  ///     training goes on.
  ///   - random: the random numbers of this step; the only source of chance.
  func loss(_ parameters: Parameters, average: Parameters, progress: Double, random: inout Random)
    -> Variable

  /// Named figures on unseen data.
  func validate(_ parameters: Parameters) -> [(name: String, value: Double)]

  /// A picture of what the model makes next to what is true.
  func samples(_ parameters: Parameters) -> any SamplePicture
}

/// A picture that a training draws of what it has learnt.
public protocol SamplePicture: Sendable {
  /// The end of its file's name, without the dot.
  static var fileExtension: String { get }
  /// Writes the picture, whole or not at all.
  func write(to path: String) throws
}
