// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// x/√(mean x² + ε)·weight over the last axis.
  public static func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
    let (rows, channels) = rmsShape(x, weight, in: "rmsNorm")
    return Tensor(x.shape) { result in
      Team.split(rows, grain: max(1, elementGrain / max(channels, 1))) { range in
        let first = range.lowerBound * channels
        flow_rms_norm(range.count, channels, epsilon, x.pointer + first, weight.pointer, result + first)
      }
    }
  }

  /// The tangent of `rmsNorm` along tangents of x and, if given, of the weight, in one pass.
  public static func rmsNormTangent(
    _ x: Tensor, weight: Tensor, tangent: Tensor, weightTangent: Tensor?, epsilon: Float
  ) -> Tensor {
    let (rows, channels) = rmsShape(x, weight, in: "rmsNormTangent")
    check(tangent, like: x, in: "rmsNormTangent")
    if let weightTangent { check(weightTangent, like: weight, in: "rmsNormTangent") }
    return Tensor(x.shape) { result in
      Team.split(rows, grain: max(1, elementGrain / max(channels, 1))) { range in
        let first = range.lowerBound * channels
        flow_rms_norm_tangent(
          range.count, channels, epsilon, x.pointer + first, weight.pointer, tangent.pointer + first,
          weightTangent?.pointer, result + first)
      }
    }
  }

  /// The gradients of `rmsNorm` with respect to x and weight.
  public static func rmsNormGradient(
    _ x: Tensor, weight: Tensor, cotangent: Tensor, epsilon: Float
  ) -> (x: Tensor, weight: Tensor) {
    let (rows, channels) = rmsShape(x, weight, in: "rmsNormGradient")
    check(cotangent, like: x, in: "rmsNormGradient")
    let grain = max(1, elementGrain / max(channels, 1))
    let blocks = (rows + grain - 1) / grain
    let partial = Tensor.zeros([blocks, channels])
    let dx = Tensor(x.shape) { result in
      Team.run(blocks) { block in
        let first = block * grain
        flow_rms_norm_gradient(
          min(grain, rows - first), channels, epsilon, x.pointer + first * channels, weight.pointer,
          cotangent.pointer + first * channels, result + first * channels,
          partial.storage.base + block * channels)
      }
    }
    return (dx, partial.sum(axis: 0))
  }

  /// The gradients of `rmsNormTangent` with respect to x, the tangent of x, weight, and its tangent where there is one.
  public static func rmsNormTangentGradient(
    _ x: Tensor, weight: Tensor, tangent: Tensor, weightTangent: Tensor?, cotangent: Tensor, epsilon: Float
  ) -> (x: Tensor, tangent: Tensor, weight: Tensor, weightTangent: Tensor?) {
    let (rows, channels) = rmsShape(x, weight, in: "rmsNormTangentGradient")
    check(tangent, like: x, in: "rmsNormTangentGradient")
    check(cotangent, like: x, in: "rmsNormTangentGradient")
    if let weightTangent { check(weightTangent, like: weight, in: "rmsNormTangentGradient") }
    let grain = max(1, elementGrain / max(channels, 1))
    let blocks = (rows + grain - 1) / grain
    let gweight = Tensor.zeros([blocks, channels])
    let gdweight = weightTangent.map { _ in Tensor.zeros([blocks, channels]) }
    let gdx = Tensor(x.shape) { _ in }
    let gx = Tensor(x.shape) { result in
      Team.run(blocks) { block in
        let first = block * grain * channels
        flow_rms_norm_tangent_gradient(
          min(grain, rows - block * grain), channels, epsilon, x.pointer + first, weight.pointer,
          tangent.pointer + first, weightTangent?.pointer, cotangent.pointer + first, result + first,
          gdx.storage.base + first, gweight.storage.base + block * channels,
          gdweight.map { $0.storage.base + block * channels })
      }
    }
    return (gx, gdx, gweight.sum(axis: 0), gdweight?.sum(axis: 0))
  }

  private static func rmsShape(_ x: Tensor, _ weight: Tensor, in operation: String) -> (
    rows: Int, channels: Int
  ) {
    let channels = x.shape[-1]
    precondition(weight.shape == [channels], "\(operation): weight \(weight.shape) for x \(x.shape)")
    return (x.count / max(channels, 1), channels)
  }
}
