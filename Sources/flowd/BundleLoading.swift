// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration

/// Loads the generator of the bundle in a folder.
@Sendable func loadBundle(_ folder: String) throws -> any VideoModel {
  throw UnreadableBundle(description: "\(folder): this build reads no bundles")
}

/// A bundle that this build cannot read.
private struct UnreadableBundle: Error, CustomStringConvertible {
  let description: String
}
