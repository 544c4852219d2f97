// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The sanitizer that `tools/sanitize` runs the tests under, or nil: it takes memory and writes files
/// of its own, which tests of a process's limits cannot tell from ours.
package let sanitizer = ProcessInfo.processInfo.environment["FLOW_SANITIZER"]
