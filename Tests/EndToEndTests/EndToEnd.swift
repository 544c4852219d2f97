// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// All tests of the programs themselves, one after the other: each has the machine for its daemon and its client.
@Suite("End to end", .serialized, .onThreads, .timeLimit(.minutes(2)))
enum EndToEnd {}

/// Runs a test on threads of its own.
///
/// A test that waits for a program blocks. On one of the few threads that all tests share it would hold up
/// every other test of the run, whose time limits go on.
struct OnThreads: TestTrait, SuiteTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(ThreadExecutor()) { try await function() }
  }
}

extension Trait where Self == OnThreads {
  /// Runs a test on threads of its own.
  static var onThreads: OnThreads { OnThreads() }
}

/// A new thread for every piece of work between two awaits.
private final class ThreadExecutor: TaskExecutor {
  /// What a new thread is given.
  private final class Work {
    let job: UnownedJob
    let executor: UnownedTaskExecutor

    init(_ job: UnownedJob, _ executor: UnownedTaskExecutor) {
      self.job = job
      self.executor = executor
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let work = Work(UnownedJob(job), asUnownedTaskExecutor())
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
        work.job.runSynchronously(on: work.executor)
        return nil
      }, Unmanaged.passRetained(work).toOpaque())
    precondition(code == 0, "no thread for a test: error \(code)")
    pthread_detach(thread)
  }
}
