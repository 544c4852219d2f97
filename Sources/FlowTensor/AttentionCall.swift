// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A pass of attention over all heads of a batch: checks what it is given, and splits it among the team.
///
/// A task is a part of the queries of one head. How many parts a head has depends on the extents alone, so results
/// do not depend on the number of threads.
struct AttentionCall {
  /// A kernel, which does a range of tasks.
  typealias Pass = (UnsafePointer<flow_attention>?, Int, Int, UnsafeMutablePointer<Float>?) -> Void

  /// What the kernels read; operands and results are to be set before a run.
  var kernel = flow_attention()
  let operation: String
  let q: Shape
  let k: Shape
  private let mask: AttentionMask
  private var tensors: [Tensor] = []

  init(_ q: Tensor, _ k: Tensor, _ v: Tensor, mask: AttentionMask, in operation: String) {
    let (qs, ks) = (q.shape, k.shape)
    precondition(
      qs.rank == 4 && ks == v.shape && qs[0] == ks[0] && qs[2] == ks[2] && qs[3] == ks[3],
      "\(operation): queries \(qs), keys \(ks) and values \(v.shape) do not fit")
    precondition(qs[1] == 0 || ks[1] > 0, "\(operation): queries \(qs) see no key in \(ks)")
    mask.check(queries: qs[1], keys: ks[1], in: operation)
    (self.operation, self.q, self.k, self.mask) = (operation, qs, ks, mask)
    (kernel.heads, kernel.queries, kernel.keys, kernel.width) = (qs[2], qs[1], ks[1], qs[3])
    if case .frames(let tokens, let window, let sink) = mask.form {
      (kernel.tokens, kernel.window, kernel.sink) = (tokens, window, sink)
    }
    (kernel.q, kernel.k, kernel.v) = (operand(q), operand(k), operand(v))
  }

  /// [batch, heads, queries].
  var sums: Shape { [q[0], q[2], q[1]] }

  /// Where a tensor's elements are; the call keeps it alive.
  mutating func operand(_ tensor: Tensor) -> UnsafePointer<Float> {
    tensors.append(tensor)
    return tensor.pointer
  }

  /// Where a pass is to write the elements of a new tensor.
  mutating func result(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
    tensors.append(tensor)
    return tensor.storage.base
  }

  /// Runs a pass whose results are by query: the parts of a head share nothing.
  func run(_ pass: Pass) { run(pass, parts(toFill: 32), partial: nil) }

  /// Runs a pass with results by key, to which every part of a head adds: each part but the first has memory of its
  /// own, less than eight times that of the results in all, which is added in order afterwards.
  func runByKey(_ pass: Pass) {
    let parts = parts(toFill: 8), heads = q[0] * q[2]
    if parts == 1 { return run(pass, 1, partial: nil) }
    let partial = Storage(count: heads * (parts - 1) * 2 * k[1] * k[3])
    run(pass, parts, partial: partial.base)
    var kernel = kernel
    (kernel.chunks, kernel.partial) = (parts, partial.base)
    Team.run(heads) { flow_attention_collect([kernel], $0) }
    withExtendedLifetime((partial, tensors)) {}
  }

  /// Parts of a head so that a batch of few heads still has about `tasks` tasks.
  private func parts(toFill tasks: Int) -> Int {
    let blocks = (q[1] + Int(FLOW_ATTENTION_BLOCK) - 1) / Int(FLOW_ATTENTION_BLOCK)
    return max(1, min(blocks, tasks / max(q[0] * q[2], 1)))
  }

  private func run(_ pass: Pass, _ parts: Int, partial: UnsafeMutablePointer<Float>?) {
    var kernel = kernel
    (kernel.chunks, kernel.partial) = (parts, partial)
    if case .explicit(let keys) = mask.form {
      kernel.visible_stride = keys.stride
      keys.bytes.withUnsafeBufferPointer { bytes in
        kernel.visible = bytes.baseAddress
        runTasks(pass, kernel)
      }
    } else {
      runTasks(pass, kernel)
    }
    withExtendedLifetime(tensors) {}
  }

  private func runTasks(_ pass: Pass, _ kernel: flow_attention) {
    // Neighbouring tasks go to one thread, which fetches the memory of the next batch row meanwhile.
    let heads = max(q[2], 1), tasks = q[0] * heads * kernel.chunks, share = tasks / (8 * Team.size)
    withUnsafePointer(to: kernel) { kernel in
      Team.split(tasks, grain: share > heads ? share / heads * heads : share) { range in
        let scratch = Storage(count: flow_attention_scratch(kernel))
        pass(kernel, range.lowerBound, range.upperBound, scratch.base)
        withExtendedLifetime(scratch) {}
      }
    }
  }
}
