// SPDX-License-Identifier: Apache-2.0

internal import FlowClient
internal import Glibc

/// Shows progress on standard error: one line that changes on a terminal, else a line every few seconds.
final class ProgressDisplay {
  private let isQuiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant
  private var hasLine = false

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    last = clock.now
  }

  /// Shows `progress` unless something was shown very recently.
  func show(_ progress: StreamProgress) {
    let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
    guard !isQuiet, last.duration(to: clock.now) >= pause else { return }
    last = clock.now
    if isTerminal {
      // Return to the first column, write, and clear what an earlier, longer line left.
      printError("\r\(progress.line)\u{1B}[K", terminator: "")
      hasLine = true
    } else {
      printError(progress.line)
    }
  }

  /// Leaves the line that is shown, so that what follows starts on its own.
  func end() {
    if hasLine { printError("") }
    hasLine = false
  }

  deinit { end() }
}
