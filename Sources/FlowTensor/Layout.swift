// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// Tensors joined along an axis.
  public static func concatenate(_ tensors: [Tensor], axis: Int) -> Tensor {
    let axis = tensors[0].shape.normalized(axis)
    let total = tensors.reduce(0) { $0 + $1.shape[axis] }
    let shape = tensors[0].shape.replacing(axis, with: total)
    for tensor in tensors {
      precondition(
        tensor.shape.replacing(axis, with: total) == shape,
        "concatenate: \(tensor.shape) beside \(tensors[0].shape) along axis \(axis)")
    }
    let outer = shape.extents[..<axis].reduce(1, *), inner = shape.extents[(axis + 1)...].reduce(1, *)
    return Tensor(shape) { result in
      var column = 0
      for tensor in tensors {
        let run = tensor.shape[axis] * inner
        copyRows(outer, run, tensor.pointer, run, result + column, total * inner)
        column += run
      }
    }
  }

  /// The part `range` of an axis.
  public func slice(axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = shape.normalized(axis)
    if axis == 0 { return rows(range) }
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "slice: \(range) of axis \(axis) of \(shape)")
    let outer = shape.extents[..<axis].reduce(1, *), inner = shape.extents[(axis + 1)...].reduce(1, *)
    let run = range.count * inner
    return Tensor(shape.replacing(axis, with: range.count)) { result in
      Tensor.copyRows(outer, run, pointer + range.lowerBound * inner, shape[axis] * inner, result, run)
    }
  }

  /// Zeros added at both ends of an axis: the transpose of `slice`.
  public func padded(axis: Int, before: Int, after: Int) -> Tensor {
    let axis = shape.normalized(axis)
    precondition(before >= 0 && after >= 0, "pad: \(before) before and \(after) after axis \(axis)")
    let outer = shape.extents[..<axis].reduce(1, *), inner = shape.extents[(axis + 1)...].reduce(1, *)
    let run = shape[axis] * inner, stride = run + (before + after) * inner
    return Tensor(shape.replacing(axis, with: shape[axis] + before + after)) { result in
      result.initialize(repeating: 0, count: outer * stride)
      Tensor.copyRows(outer, run, pointer, run, result + before * inner, stride)
    }
  }

  /// Copies `rows` rows of `run` elements between places with strides.
  private static func copyRows(
    _ rows: Int, _ run: Int, _ from: UnsafePointer<Float>, _ fromStride: Int,
    _ to: UnsafeMutablePointer<Float>, _ toStride: Int
  ) {
    if run == 0 { return }
    Team.split(rows, grain: max(1, elementGrain / run)) { range in
      for row in range { (to + row * toStride).initialize(from: from + row * fromStride, count: run) }
    }
  }

  /// Row `indices[i]` of this table [rows, width] as row i.
  public func gather(_ indices: [Int32]) -> Tensor {
    precondition(shape.rank == 2, "gather: a table has two axes, not \(shape)")
    precondition(
      indices.allSatisfy { $0 >= 0 && $0 < shape[0] }, "gather: index outside a table of \(shape[0]) rows")
    return Tensor([indices.count, shape[1]]) { flow_gather(indices.count, shape[1], indices, pointer, $0) }
  }

  /// A table of `rows` rows into which row i of this tensor has been added at `indices[i]`.
  public func scatterAdd(_ indices: [Int32], rows: Int) -> Tensor {
    precondition(
      shape.rank == 2 && shape[0] == indices.count,
      "scatterAdd: \(indices.count) indices for rows of shape \(shape)")
    precondition(
      indices.allSatisfy { $0 >= 0 && $0 < rows }, "scatterAdd: index outside a table of \(rows) rows")
    return Tensor([rows, shape[1]]) { result in
      result.initialize(repeating: 0, count: rows * shape[1])
      flow_scatter_add(indices.count, shape[1], indices, pointer, result)
    }
  }
}
