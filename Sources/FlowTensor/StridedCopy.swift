// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A copy of a tensor's elements in another order: nested loops, outermost first, each with the step that it takes
/// in the source. A step of 0 repeats, a negative one walks backwards.
struct StridedCopy {
  private var loops: [(extent: Int, step: Int)]
  /// Contiguous elements that the innermost loop copies at once.
  private let run: Int
  private let start: Int

  init(extents: [Int], steps: [Int], start: Int = 0) {
    let all = zip(extents, steps).filter { $0.0 != 1 }
    loops = all.reduce(into: []) { merged, next in
      if let last = merged.last, last.1 == next.0 * next.1 {
        merged[merged.count - 1] = (last.0 * next.0, next.1)
      } else {
        merged.append((next.0, next.1))
      }
    }
    run = loops.last?.step == 1 ? loops.removeLast().extent : 1
    self.start = start
    while loops.count < Self.kernelLoops { loops.insert((1, 0), at: 0) }
  }

  /// The loops that one call of the kernel walks.
  private static let kernelLoops = 5

  func callAsFunction(_ source: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>) {
    if loops.contains(where: { $0.extent == 0 }) || run == 0 { return }
    let axis = loops.firstIndex { $0.extent > 1 } ?? loops.count - 1
    let block = loops[(axis + 1)...].reduce(run) { $0 * $1.extent }
    Team.split(loops[axis].extent, grain: max(1, elementGrain / block)) { range in
      var part = loops
      part[axis].extent = range.count
      walk(
        part[...], source + start + range.lowerBound * loops[axis].step, result + range.lowerBound * block)
    }
  }

  private func walk(
    _ loops: ArraySlice<(extent: Int, step: Int)>, _ source: UnsafePointer<Float>,
    _ result: UnsafeMutablePointer<Float>
  ) {
    guard loops.count > Self.kernelLoops, let first = loops.first else {
      return flow_walk(loops.map(\.extent), loops.map(\.step), run, source, result)
    }
    let rest = loops.dropFirst()
    let block = rest.reduce(run) { $0 * $1.extent }
    for index in 0..<first.extent { walk(rest, source + index * first.step, result + index * block) }
  }
}

extension Tensor {
  /// The axes in another order: axis i of the result is axis `axes[i]` of this tensor.
  public func permuted(_ axes: [Int]) -> Tensor {
    precondition(
      axes.sorted() == Array(0..<shape.rank), "permute: \(axes) does not permute the axes of \(shape)")
    let result = Shape(axes.map { shape[$0] }), strides = shape.strides
    let copy = StridedCopy(extents: result.extents, steps: axes.map { strides[$0] })
    return Tensor(result) { copy(pointer, $0) }
  }

  /// Copies along the axes that `target` stretches, as an elementwise operation with it would.
  public func broadcast(to target: Shape) -> Tensor {
    if target == shape { return self }
    precondition(
      shape.broadcast(with: target, in: "broadcast") == target, "broadcast: \(shape) does not fit \(target)")
    let copy = StridedCopy(extents: target.extents, steps: shape.strides(stretchedTo: target))
    return Tensor(target) { copy(pointer, $0) }
  }

  /// The positions of an axis in reverse order.
  public func flipped(axis: Int) -> Tensor {
    let axis = shape.normalized(axis)
    var steps = shape.strides
    let last = max(shape[axis] - 1, 0) * steps[axis]
    steps[axis] = -steps[axis]
    let copy = StridedCopy(extents: shape.extents, steps: steps, start: last)
    return Tensor(shape) { copy(pointer, $0) }
  }
}
