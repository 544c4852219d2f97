// SPDX-License-Identifier: Apache-2.0

public import FlowGeneration

/// Where a daemon's models come from.
public protocol ModelCatalogue: Sendable {
  /// The names of all models that can be asked for, sorted; read again whenever a client asks.
  func names() -> [String]

  /// Loads a model; called on the compute thread, where the model then lives.
  ///
  /// - Throws: an error whose description says what is wrong with which file or tensor.
  func load(_ name: String) throws -> any VideoModel
}
