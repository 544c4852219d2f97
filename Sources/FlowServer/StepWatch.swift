// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Synchronization

/// For whom the step is that the compute thread is at, so that one that nobody wants any more can be cut short.
final class StepWatch: Sendable {
  private struct Step {
    var sessions: Set<String>
    let cancellation: Cancellation
  }

  private let step = Mutex<Step?>(nil)

  /// A step for these sessions begins.
  func begin(_ sessions: Set<String>) -> Cancellation {
    let cancellation = Cancellation()
    step.withLock { $0 = Step(sessions: sessions, cancellation: cancellation) }
    return cancellation
  }

  /// The step is over.
  func end() { step.withLock { $0 = nil } }

  /// A session is not wanted any more; nor is the step, if it was for that one alone.
  func forget(_ session: String) {
    step.withLock { step in
      guard step?.sessions.remove(session) != nil, step?.sessions.isEmpty == true else { return }
      step?.cancellation.cancel()
    }
  }
}
