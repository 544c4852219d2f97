// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// The axes in another order: axis i of the result is axis `axes[i]` of this tensor.
  public func permuted(_ axes: [Int]) -> Tensor {
    precondition(
      axes.sorted() == Array(0..<shape.rank), "permute: \(axes) does not permute the axes of \(shape)")
    let result = Shape(axes.map { shape[$0] })
    var loops = zip(result.extents, axes.map { shape.strides[$0] }).filter { $0.0 != 1 }
    loops = loops.reduce(into: []) { merged, next in
      if let last = merged.last, last.1 == next.0 * next.1 {
        merged[merged.count - 1] = (last.0 * next.0, next.1)
      } else {
        merged.append(next)
      }
    }
    let run = loops.last?.1 == 1 ? loops.removeLast().0 : 1
    precondition(loops.count <= 5, "permute: \(axes) of \(shape) needs more than five loops")
    while loops.count < 5 { loops.insert((1, 0), at: 0) }
    return Tensor(result) { Tensor.copy(self, loops: loops, run: run, into: $0) }
  }

  private static func copy(
    _ x: Tensor, loops: [(Int, Int)], run: Int, into result: UnsafeMutablePointer<Float>
  ) {
    let axis = loops.firstIndex { $0.0 > 1 } ?? 4
    let block = loops[(axis + 1)...].reduce(run) { $0 * $1.0 }
    let strides = loops.map(\.1)
    Team.split(loops[axis].0, grain: max(1, elementGrain / max(block, 1))) { range in
      var extents = loops.map(\.0)
      extents[axis] = range.count
      flow_permute(
        extents, strides, run, x.pointer + range.lowerBound * strides[axis], result + range.lowerBound * block
      )
    }
  }

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
        for row in 0..<outer {
          (result + row * total * inner + column).initialize(from: tensor.pointer + row * run, count: run)
        }
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
    let from = shape[axis] * inner, run = range.count * inner
    return Tensor(shape.replacing(axis, with: range.count)) { result in
      for row in 0..<outer {
        (result + row * run).initialize(from: pointer + row * from + range.lowerBound * inner, count: run)
      }
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
