// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// The sum over one axis, which disappears.
  public func sum(axis: Int) -> Tensor {
    let axis = shape.normalized(axis)
    let outer = shape.extents[..<axis].reduce(1, *)
    let reduced = shape[axis]
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    var extents = shape.extents
    extents.remove(at: axis)
    return Tensor(Shape(extents)) { result in
      if outer == 1 { return Tensor.sumColumns(self, reduced, inner, into: result) }
      Team.split(outer, grain: max(1, elementGrain / max(reduced * inner, 1))) { range in
        flow_sum(
          range.count, reduced, inner, pointer + range.lowerBound * reduced * inner,
          result + range.lowerBound * inner)
      }
    }
  }

  /// The largest element along one axis, which disappears; −∞ of no elements.
  public func largest(axis: Int) -> Tensor {
    let axis = shape.normalized(axis)
    let outer = shape.extents[..<axis].reduce(1, *)
    let reduced = shape[axis]
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    var extents = shape.extents
    extents.remove(at: axis)
    return Tensor(Shape(extents)) { result in
      Team.split(outer, grain: max(1, elementGrain / max(reduced * inner, 1))) { range in
        flow_largest(
          range.count, reduced, inner, pointer + range.lowerBound * reduced * inner,
          result + range.lowerBound * inner)
      }
    }
  }

  /// A sum of many rows: partial sums of blocks first, whose number does not depend on the team.
  private static func sumColumns(
    _ x: Tensor, _ rows: Int, _ columns: Int, into result: UnsafeMutablePointer<Float>
  ) {
    let grain = max(1, elementGrain / max(columns, 1))
    let blocks = max(1, (rows + grain - 1) / grain)
    let partial = Tensor([blocks, columns]) { partial in
      Team.run(blocks) { block in
        let first = block * grain
        flow_sum(
          1, min(grain, rows - first), columns, x.pointer + first * columns, partial + block * columns)
      }
    }
    withExtendedLifetime(partial) { flow_sum(1, blocks, columns, partial.pointer, result) }
  }

  /// The sum of all elements, a scalar.
  public func sum() -> Tensor { reshaped([count]).sum(axis: 0) }

  /// The sum over every axis that broadcasting to this tensor's shape from `target` would stretch.
  public func sum(to target: Shape) -> Tensor {
    if shape == target { return self }
    precondition(
      target.rank <= shape.rank && target.broadcast(with: shape, in: "sum") == shape,
      "sum: shape \(shape) does not reduce to \(target)")
    // Neighbouring axes of one kind are summed, or kept, as one.
    var groups: [(extent: Int, summed: Bool)] = []
    for (extent, kept) in zip(shape.extents, target.padded(to: shape.rank)) {
      let summed = kept == 1 && extent != 1
      if let last = groups.last, last.summed == summed || extent == 1 {
        groups[groups.count - 1].extent *= extent
      } else {
        groups.append((extent, summed))
      }
    }
    var result = reshaped(Shape(groups.map(\.extent)))
    for axis in groups.indices.reversed() where groups[axis].summed { result = result.sum(axis: axis) }
    return result.reshaped(target)
  }

  /// The sum of the squares of all elements, in double precision.
  public var sumOfSquares: Double {
    blocks { flow_sum_of_squares($1, $0) }.reduce(0, +)
  }

  /// Whether every element is finite.
  public var isFinite: Bool { blocks { flow_all_finite($1, $0) }.allSatisfy { $0 } }

  /// What `body` makes of blocks of the elements, in their order; how many there are does not depend on the team.
  private func blocks<Result>(_ body: (UnsafePointer<Float>, Int) -> Result) -> [Result] {
    let grain = 4 * elementGrain
    if count <= grain { return [withExtendedLifetime(storage) { body(pointer, count) }] }
    let blocks = (count + grain - 1) / grain
    return [Result](unsafeUninitializedCapacity: blocks) { results, filled in
      let base = results.baseAddress!
      Team.run(blocks) { block in
        let first = block * grain
        (base + block).initialize(to: body(pointer + first, min(grain, count - first)))
      }
      filled = blocks
    }
  }
}
