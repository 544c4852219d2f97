// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Logging

/// Models that clients want to be in memory, or not.
extension DaemonLoop {
  /// How many requests may wait for models.
  private static let questionLimit = 256

  /// Does what a client wishes of a model that it may know.
  mutating func answer(_ request: ModelRequest, _ id: String?, _ peer: Peer) throws(WireError) {
    let name = request.name
    switch (request.wish, models[name]) {
    case (.load, .ready), (.unload, .absent), (.unload, .failed): tell(name, id, peer)
    case (.load, .loading), (.reload, .loading): try ask(name, id, peer)
    case (.load, _), (.reload, .absent), (.reload, .failed):
      try ask(name, id, peer)
      load(name)
    case (.reload, .ready):
      // Whoever asks while somebody else's reload is under way gets that one.
      let isUnderWay = modelQuestions.contains { $0.model == name }
      try ask(name, id, peer)
      // Streams go on meanwhile, and so does the model if its new files are no good.
      if !isUnderWay { compute.post(.reload(name)) }
    case (.unload, .loading):
      throw WireError(
        .conflict, "the model \(name) is being loaded; try again when it is", field: "model", retryable: true)
    case (.unload, .ready) where modelQuestions.contains { $0.model == name }:
      throw WireError(
        .conflict, "the model \(name) is being loaded anew; try again when it is", field: "model",
        retryable: true)
    case (.unload, .ready): try unload(name, id, peer)
    }
  }

  /// Lets a client wait for what becomes of a model.
  private mutating func ask(_ name: String, _ id: String?, _ peer: Peer) throws(WireError) {
    guard modelQuestions.count < Self.questionLimit else {
      throw WireError(
        .queueFull, "\(modelQuestions.count) requests wait for models already; try again when they are loaded"
      )
    }
    modelQuestions.append((name, id, peer))
  }

  private mutating func unload(_ name: String, _ id: String?, _ peer: Peer) throws(WireError) {
    let users = seats.values.filter { $0.session.request.model == name && $0.session.stage != .queued }
    guard users.isEmpty else {
      throw WireError(
        .conflict, "the model \(name) is used by \(users.count) sessions; try again when they have ended",
        field: "model", retryable: true)
    }
    models[name] = .absent
    compute.post(.unload(name))
    tell(name, id, peer)
  }

  /// Lets go of models that nobody uses, those first that were used longest ago, until there is memory for another.
  mutating func makeRoom(for name: String) throws(WireError) {
    guard let budget = configuration.modelMemory, let wanted = models.residentBytes(name) else { return }
    guard wanted <= budget else {
      throw WireError(
        .modelFailed,
        "the model \(name) takes \(wanted) bytes of memory; this daemon has \(budget) for models, so ask its operator for "
          + "a larger model-memory", field: "model")
    }
    // Also those that are loaded anew: who asked for that wants them.
    let used = Set(
      seats.values.filter { $0.session.stage != .queued }.map(\.session.request.model)
        + modelQuestions.map(\.model))
    var idle = models.loaded.filter { $0 != name && !used.contains($0) }
      .sorted { models.lastUse($0) < models.lastUse($1) }[...]
    while models.loadedBytes(but: name) + wanted > budget {
      guard let oldest = idle.popFirst() else {
        throw WireError(
          .modelFailed,
          "the models that are in use leave no memory for \(name); try again when their streams have ended",
          field: "model", retryable: true)
      }
      logger.info("model let go", metadata: ["model": "\(oldest)"])
      models[oldest] = .absent
      compute.post(.unload(oldest))
    }
  }

  private mutating func tell(_ name: String, _ id: String?, _ peer: Peer) {
    send(.model(models.summary(name)), id, to: peer)
  }

  mutating func answerModelQuestions(_ name: String, _ outcome: Result<ServedModelDescription, WireError>) {
    for question in modelQuestions where question.model == name {
      switch outcome {
      case .success: tell(name, question.id, question.peer)
      case .failure(let error): send(.error(Failure(error)), question.id, to: question.peer)
      }
    }
    modelQuestions.removeAll { $0.model == name }
  }
}
