// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// Convolution of pictures and of videos, and its two gradients.
extension Tensor {
  /// y[b, i, o] = Σ w[o, k, c] · x[b, i·stride + k − before, c] + bias[o], for i and k of two or three axes.
  package static func convolution(
    _ x: Tensor, _ weights: Tensor, bias: Tensor? = nil, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    let s = ConvolutionShape(x.shape, weights.shape, geometry)
    precondition(
      bias == nil || bias!.shape == [s.output],
      "convolution: bias \(bias!.shape) for weights \(weights.shape)")
    if s.isEmpty { return (bias ?? .zeros([])).broadcast(to: s.result) }
    return Tensor(s.result) { result in
      let slabs = s.slabs
      Team.run(s.parts * slabs.count) { index in
        let pictures = s.pictures(index / slabs.count), slab = slabs[index % slabs.count]
        useOneThreadInOneDNN()
        var shape = s.kernelShape(
          batch: pictures.count, source: slab.source, rows: slab.rows, before: slab.before)
        require(
          flow_convolution(
            &shape, x.pointer + pictures.lowerBound * s.sourceCount + slab.sourceStart, weights.pointer,
            bias?.pointer, result + pictures.lowerBound * s.resultCount + slab.resultStart), s)
      }
    }
  }

  /// The gradient with respect to x of shape `shape`: the transposed convolution of `cotangent`.
  package static func convolutionInputGradient(
    _ cotangent: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, shape: Shape
  ) -> Tensor {
    let s = ConvolutionShape(shape, weights.shape, geometry)
    s.check(cotangent: cotangent.shape)
    if s.isEmpty { return .zeros(shape) }
    return Tensor(shape) { result in
      Team.run(s.parts) { part in
        let pictures = s.pictures(part)
        useOneThreadInOneDNN()
        var shape = s.kernelShape(batch: pictures.count)
        require(
          flow_convolution_input_gradient(
            &shape, cotangent.pointer + pictures.lowerBound * s.resultCount, weights.pointer,
            result + pictures.lowerBound * s.sourceCount), s)
      }
    }
  }

  /// The gradient with respect to weights of shape `shape`.
  package static func convolutionWeightGradient(
    _ x: Tensor, _ cotangent: Tensor, _ geometry: ConvolutionGeometry, shape: Shape
  ) -> Tensor {
    let s = ConvolutionShape(x.shape, shape, geometry)
    s.check(cotangent: cotangent.shape)
    if s.isEmpty { return .zeros(shape) }
    let partial = Tensor([s.parts, shape.count]) { partial in
      Team.run(s.parts) { part in
        let pictures = s.pictures(part)
        useOneThreadInOneDNN()
        var kernelShape = s.kernelShape(batch: pictures.count)
        require(
          flow_convolution_weight_gradient(
            &kernelShape, x.pointer + pictures.lowerBound * s.sourceCount,
            cotangent.pointer + pictures.lowerBound * s.resultCount, partial + part * shape.count), s)
      }
    }
    return partial.sum(axis: 0).reshaped(shape)
  }

  private static func require(_ done: Bool, _ shape: ConvolutionShape) {
    precondition(done, "convolution: oneDNN refused a result of shape \(shape.result)")
  }
}

/// A stretch of a convolution's outermost axis: rows of pictures, or frames of videos.
private struct Slab {
  let source: [Int]
  let rows: [Int]
  let before: [Int]
  let sourceStart: Int
  let resultStart: Int
}

extension ConvolutionShape {
  /// The whole result; or, where there are fewer pictures than cores, stretches of it: their number does not
  /// depend on the team.
  fileprivate var slabs: [Slab] {
    let axis = source[0] == 1 && rows[0] == 1 ? 1 : 0
    let positions = rows.reduce(1, *)
    // With more zeros than that, a stretch might see nothing of the picture.
    let seen = max(geometry.before[axis], geometry.after[axis]) < geometry.kernel[axis]
    let count = batch > 1 || !seen ? 1 : max(1, min(rows[axis], 2, positions / 48))
    return (0..<count).map { slab(axis, $0 * rows[axis] / count..<($0 + 1) * rows[axis] / count) }
  }

  private func slab(_ axis: Int, _ range: Range<Int>) -> Slab {
    let first = range.lowerBound * geometry.stride[axis] - geometry.before[axis]
    let end = (range.upperBound - 1) * geometry.stride[axis] - geometry.before[axis] + geometry.kernel[axis]
    let start = min(max(first, 0), source[axis])
    func replacing(_ values: [Int], _ value: Int) -> [Int] {
      var copy = values
      copy[axis] = value
      return copy
    }
    return Slab(
      source: replacing(source, max(min(end, source[axis]) - start, 0)), rows: replacing(rows, range.count),
      before: replacing(geometry.before, start - first),
      sourceStart: start * source[(axis + 1)...].reduce(input, *),
      resultStart: range.lowerBound * rows[(axis + 1)...].reduce(output, *))
  }
}
