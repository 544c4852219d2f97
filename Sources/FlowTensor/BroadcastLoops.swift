// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The loops of an operation on two tensors: axes that both operands walk alike are merged; the innermost three are
/// the kernel's, those outside it are walked here.
struct BroadcastLoops {
  private typealias Loop = (extent: Int, x: Int, y: Int)

  /// The innermost loops, outermost first.
  private var kernel: (Loop, Loop, Loop) = ((1, 0, 0), (1, 0, 0), (1, 0, 0))
  /// The loops outside the kernel's.
  private var outer: [Loop] = []

  /// The loops for operands of shapes `left` and `right` and a result of shape `shape`.
  init(_ shape: Shape, _ left: Shape, _ right: Shape) {
    if left == right {
      kernel.2 = (shape.count, 1, 1)
    } else if left.count == 1 || right.count == 1 {
      kernel.2 = (shape.count, left.count == 1 ? 0 : 1, right.count == 1 ? 0 : 1)
    } else {
      merge(shape, left, right)
    }
  }

  private mutating func merge(_ shape: Shape, _ left: Shape, _ right: Shape) {
    let leftStrides = left.strides(stretchedTo: shape), rightStrides = right.strides(stretchedTo: shape)
    var loops: [Loop] = []
    for axis in 0..<shape.rank where shape[axis] != 1 {
      let (extent, x, y) = (shape[axis], leftStrides[axis], rightStrides[axis])
      if let last = loops.last, last.x == x * extent, last.y == y * extent {
        loops[loops.count - 1] = (last.extent * extent, x, y)
      } else {
        loops.append((extent, x, y))
      }
    }
    kernel.2 = loops.popLast() ?? kernel.2
    kernel.1 = loops.popLast() ?? kernel.1
    kernel.0 = loops.popLast() ?? kernel.0
    outer = loops
  }

  /// Calls `body(kernel loops, first result element, first x element, first y element)` on all cores for blocks that
  /// together are the whole result.
  func forEachBlock(_ body: (flow_loops, Int, Int, Int) -> Void) {
    if outer.isEmpty { return split(0, 0, 0, body) }
    let block = kernel.0.extent * kernel.1.extent * kernel.2.extent
    for index in 0..<outer.reduce(1, { $0 * $1.extent }) {
      var rest = index, x = 0, y = 0
      for loop in outer.reversed() {
        x += rest % loop.extent * loop.x
        y += rest % loop.extent * loop.y
        rest /= loop.extent
      }
      split(index * block, x, y, body)
    }
  }

  /// Splits the outermost kernel loop that is longer than one among the team.
  private func split(_ first: Int, _ x: Int, _ y: Int, _ body: (flow_loops, Int, Int, Int) -> Void) {
    func run(_ loop: Loop, below: Int, _ part: (Int) -> flow_loops) {
      Team.split(loop.extent, grain: max(1, elementGrain / max(below, 1))) { range in
        let start = range.lowerBound
        body(part(range.count), first + start * below, x + start * loop.x, y + start * loop.y)
      }
    }
    if kernel.0.extent > 1 {
      run(kernel.0, below: kernel.1.extent * kernel.2.extent) { loops($0, kernel.1.extent, kernel.2.extent) }
    } else if kernel.1.extent > 1 {
      run(kernel.1, below: kernel.2.extent) { loops(kernel.0.extent, $0, kernel.2.extent) }
    } else {
      run(kernel.2, below: 1) { loops(kernel.0.extent, kernel.1.extent, $0) }
    }
  }

  private func loops(_ first: Int, _ second: Int, _ third: Int) -> flow_loops {
    flow_loops(
      extent: (first, second, third), x: (kernel.0.x, kernel.1.x, kernel.2.x),
      y: (kernel.0.y, kernel.1.y, kernel.2.y))
  }
}
