// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// The softmax over the last axis.
  public func softmax() -> Tensor {
    let columns = shape[-1]
    return Tensor(shape) { result in
      Team.split(count / max(columns, 1), grain: max(1, elementGrain / max(columns, 1))) { range in
        let first = range.lowerBound * columns
        flow_softmax(range.count, columns, pointer + first, result + first)
      }
    }
  }
}
