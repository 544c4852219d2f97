// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

/// Random weights for every parameter, those that begin at zero too; activations stay near 1.
func randomWeights(_ layout: ParameterLayout, seed: UInt64) -> [Tensor] {
  var random = Random(key: seed)
  return layout.declarations.map { declaration in
    let x = random.normal(declaration.shape)
    if declaration.initializer == .ones { return x.affine(scale: 0.2, shift: 1) }
    let inputs = declaration.shape.count / max(declaration.shape[0], 1)
    return x.affine(scale: declaration.shape.rank == 1 ? 0.2 : 1 / Float(inputs).squareRoot())
  }
}

/// The largest difference of two tensors of one shape.
func distance(_ x: Tensor, _ y: Tensor) -> Float {
  precondition(x.shape == y.shape)
  return zip(x.elements, y.elements).reduce(0) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
}

/// A batch of frames for a transformer, with everything random.
struct FrameBatch {
  let noisy: Tensor
  let previous: Tensor
  let t: Tensor
  let r: Tensor
  let noise: Tensor
  let actions: [Int32]

  init(_ c: CausalTransformerConfiguration, batch: Int, frames: Int, seed: UInt64) {
    var random = Random(key: seed)
    let shape: Shape = [batch, frames, c.latentHeight, c.latentWidth, c.latentChannels]
    (noisy, previous) = (random.normal(shape), random.normal(shape))
    (t, noise) = (random.uniform([batch * frames, 1]), random.uniform([batch * frames, 1]))
    r = Tensor.combine(.multiply, t, random.uniform([batch * frames, 1]))
    actions = (0..<batch * frames).map { _ in Int32(random.integer(in: 0..<c.actions)) }
  }

  var conditions: FrameConditions {
    FrameConditions(previous: Variable(previous), actions: actions, contextNoise: Variable(noise))
  }

  /// What the transformer makes of all frames at once.
  func output(_ model: CausalTransformer, _ parameters: Parameters, positions: [Int]) -> Variable {
    model(Variable(noisy), r: Variable(r), t: Variable(t), conditions, positions: positions, parameters)
  }

  /// A stream's part of a step that predicts frame `frame` of sequence `sequence`.
  func request(_ stream: TransformerStream, frame: Int, sequence: Int = 0) -> EvaluationRequest {
    let frames = noisy.shape[1], count = noisy.count / (noisy.shape[0] * frames)
    let row = sequence * frames + frame, place = row * count
    noisy.withElements { stream.noisy.update(from: $0.baseAddress! + place, count: count) }
    previous.withElements { stream.previous.update(from: $0.baseAddress! + place, count: count) }
    let conditions = EvaluationConditions(
      r: r.elements[row], t: t.elements[row], contextNoise: noise.elements[row], action: Int(actions[row]))
    return EvaluationRequest(stream, frame: frame, conditions, keep: 0, take: 1)
  }

  /// The latent that a stream has been left with, [1, 1, height, width, channels].
  func result(_ stream: TransformerStream) -> Tensor {
    var shape = noisy.shape.extents
    (shape[0], shape[1]) = (1, 1)
    return Tensor(Shape(shape)) { $0.update(from: stream.noisy, count: Shape(shape).count) }
  }

  /// What a compiled transformer makes of frame `frame` of the first sequence.
  func step(_ model: CompiledTransformer, _ stream: TransformerStream, frame: Int) -> Tensor {
    model.step([request(stream, frame: frame)])
    return result(stream)
  }
}
