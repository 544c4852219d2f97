// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// One reader under test.
struct Target: Sendable {
  let name: String
  /// Inputs to begin with.
  let seeds: @Sendable () throws -> [[UInt8]]
  /// Reads an input and fails if a promise is broken; that the input is refused is well.
  let run: @Sendable ([UInt8]) -> Void

  init(
    _ name: String, seeds: @escaping @Sendable () throws -> [[UInt8]],
    run: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.name = name
    self.seeds = seeds
    self.run = run
  }
}

/// Ends the process: a promise is broken, or nothing can be tested.
func fail(_ message: String) -> Never { fatalError(message) }

/// Fails unless a promise holds.
func expect(_ holds: Bool, _ promise: @autoclosure () -> String) {
  if !holds { fail("broken: \(promise())") }
}

/// A variable of the environment, which must be there.
func environment(_ name: String) -> String {
  guard let value = getenv(name) else { fail("\(name) is not set; run tools/fuzz") }
  return String(cString: value)
}

/// Parts of an input, divided by zero bytes; the last of at most `most` parts may hold zero bytes.
func parts(_ bytes: [UInt8], most: Int) -> [[UInt8]] {
  bytes.split(separator: 0, maxSplits: most - 1, omittingEmptySubsequences: false).map(Array.init)
}
