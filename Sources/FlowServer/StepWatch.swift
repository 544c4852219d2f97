// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Synchronization

/// For whom the step is that the compute thread is at, so that one that nobody wants any more can be cut short.
final class StepWatch: Sendable {
  private struct State {
    /// For whom the step is; nobody between steps.
    var sessions: Set<String> = []
    var cancellation = Cancellation()
    /// Sessions that are not wanted any more, of which the compute thread has not heard yet.
    var unwanted: Set<String> = []
    var isStopping = false

    /// Cuts the step short if nobody wants it.
    func cancelIfUnwanted() {
      if !sessions.isEmpty, sessions.isSubset(of: unwanted) { cancellation.cancel() }
    }
  }

  private let state = Mutex(State())

  /// A step for these sessions begins.
  func begin(_ sessions: Set<String>) -> Cancellation {
    state.withLock { state in
      (state.sessions, state.cancellation) = (sessions, Cancellation())
      state.cancelIfUnwanted()
      return state.cancellation
    }
  }

  /// Whether the thread shall end after what it is at.
  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// The thread shall end after what it is at.
  func stop() { state.withLock { $0.isStopping = true } }

  /// The step is over.
  func end() { state.withLock { $0.sessions = [] } }

  /// A session is not wanted any more; nor is the step, if it is for such sessions alone.
  func forget(_ session: String) {
    state.withLock { state in
      state.unwanted.insert(session)
      state.cancelIfUnwanted()
    }
  }

  /// The compute thread is rid of a session.
  func forgotten(_ session: String) { state.withLock { _ = $0.unwanted.remove(session) } }
}
