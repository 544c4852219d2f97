// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels
internal import Glibc

/// The worker team: every core of the machine, owned by this process's kernels alone.
///
/// Libraries run single-threaded inside it. Work is split by what is computed, never by who computes
/// it, so results do not depend on the number of threads.
///
/// A thread that computes must not be interrupted by handlers of signals, which write to a stack that compiled kernels do not
/// keep: the team's own threads block signals, and callers are to be made by ``withSignalsBlocked(_:)`` where a handler is
/// installed.
public enum Team {
  /// Threads that take part, the caller included.
  public static var size: Int { Int(flow_team_size()) }

  /// Calls `body` with all signals blocked but those of faults; threads that it makes stay so.
  public static func withSignalsBlocked<Result>(_ body: () throws -> Result) rethrows -> Result {
    var before = sigset_t()
    flow_block_signals(&before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return try body()
  }

  /// Calls `body` once for each index below `count`, on all cores; returns when every call has.
  package static func run(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      var task = body
      withUnsafeMutablePointer(to: &task) { context in
        flow_team_run(
          count, { context, index in context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index) },
          context)
      }
    }
  }

  /// Calls `work` once for each index below `count`, as ``run`` does, and takes no memory to do so.
  package static func run(_ count: Int, _ work: any TeamWork) {
    var work = work
    withUnsafeMutablePointer(to: &work) { context in
      flow_team_run(
        count,
        { context, index in context!.assumingMemoryBound(to: (any TeamWork).self).pointee.perform(index) },
        context)
    }
  }

  /// Splits `count` items into ranges of about `grain` and calls `body` with each range, on all cores.
  package static func split(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let grain = max(grain, 1)
    let pieces = (count + grain - 1) / grain
    if pieces <= 1 {
      let before = flow_begin_kernels()
      defer { flow_end_kernels(before) }
      return body(0..<count)
    }
    run(pieces) { piece in body(piece * grain..<min(count, (piece + 1) * grain)) }
  }
}

/// Work in parts that are known by number: what a step gives the team, which must not take memory.
package protocol TeamWork: AnyObject {
  /// Does part `index`; called from any thread of the team.
  func perform(_ index: Int)
}

/// Elements that one index of a memory-bound kernel handles: large against the cost of taking an
/// index, small against the second-level cache.
let elementGrain = 32_768
