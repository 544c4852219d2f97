// SPDX-License-Identifier: Apache-2.0

public import FlowGeneration

/// A loaded model of either kind.
public enum ServedModel {
  /// It makes frames.
  case video(any VideoModel)
  /// It makes points.
  case manifold(any ManifoldModel)

  /// What the model is.
  public var description: ServedModelDescription {
    switch self {
    case .video(let model): .video(model.description)
    case .manifold(let model): .manifold(model.description)
    }
  }
}

/// What is known of a model of either kind.
public enum ServedModelDescription: Sendable, Equatable {
  /// It makes frames.
  case video(VideoModelDescription)
  /// It makes points.
  case manifold(ManifoldModelDescription)

  /// The name of the model.
  public var name: String {
    switch self {
    case .video(let model): model.name
    case .manifold(let model): model.name
    }
  }

  /// Bytes of cache that a stream holds.
  var bytesPerStream: Int {
    switch self {
    case .video(let model): model.bytesPerStream
    case .manifold: 0
    }
  }

  /// SHA-256 of the weights file; empty where nobody has recorded or computed it yet.
  public var sha256: String {
    switch self {
    case .video(let model): model.sha256
    case .manifold(let model): model.sha256
    }
  }

  /// Bytes of the weights file.
  public var weightsByteCount: Int {
    switch self {
    case .video(let model): model.weightsByteCount
    case .manifold(let model): model.weightsByteCount
    }
  }

  /// Bytes that the model holds once it is loaded, streams not counted.
  public var residentBytes: Int {
    switch self {
    case .video(let model): model.residentBytes
    case .manifold(let model): model.residentBytes
    }
  }
}

/// Where a daemon's models come from.
public protocol ModelCatalogue: Sendable {
  /// The names of all models that can be asked for, sorted; read again whenever a client asks.
  func names() -> [String]

  /// What a model is, without its weights: cheap, and may be called on any thread and again and again.
  ///
  /// - Throws: an error whose description says what is wrong with which file.
  func describe(_ name: String) throws -> ServedModelDescription

  /// Loads a model; called on the compute thread, where the model then lives.
  ///
  /// - Throws: an error whose description says what is wrong with which file or tensor.
  func load(_ name: String) throws -> ServedModel
}
