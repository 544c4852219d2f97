// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowManifolds
internal import FlowWire

/// What the thread of the sockets knows of the models, which live elsewhere.
struct ModelTable {
  /// Whether a model can be used.
  enum State {
    case absent
    case loading
    case ready(ServedModelDescription)
    /// It could not be loaded, as was found at that time.
    case failed(WireError, at: Duration)
  }

  private let catalogue: any ModelCatalogue
  private var known: [String: State] = [:]
  private var uses: [String: Duration] = [:]
  /// Who looks; nil sees everything.
  var viewer: User?

  init(_ catalogue: any ModelCatalogue) { self.catalogue = catalogue }

  /// The names of all models; loaded ones stay although their files may be gone.
  var names: [String] {
    let loaded = known.filter { name, state in
      switch state {
      case .loading, .ready: true
      case .absent, .failed: false
      }
    }
    return Set(catalogue.names()).union(loaded.keys).filter { viewer?.mayUse($0) ?? true }.sorted()
  }

  subscript(name: String) -> State {
    get { known[name] ?? .absent }
    set { known[name] = newValue }
  }

  /// A model could not be loaded; one that is there stays.
  mutating func fail(_ name: String, _ error: WireError, at now: Duration) {
    if case .ready = self[name] { return }
    self[name] = .failed(error, at: now)
  }

  /// Throws `not_found` unless there is a model of that name, and `forbidden` if it is not for the one who looks.
  func check(_ name: String) throws(WireError) {
    let names = names
    if let viewer, !viewer.mayUse(name) {
      let allowed = names.isEmpty ? "you may use none" : "take one of \(names.joined(separator: ", "))"
      throw WireError(
        .forbidden, "the model \"\(name)\" is not for \(viewer.name); \(allowed)", field: "model")
    }
    guard !names.contains(name) else { return }
    let known = names.isEmpty ? "this daemon has none" : "take one of \(names.joined(separator: ", "))"
    throw WireError(.notFound, "there is no model \"\(name)\"; \(known)", field: "model")
  }

  /// What a client may know of all models; reads files of those that are not loaded.
  var summaries: [ModelSummary] { names.map(summary) }

  /// How all models are, of which those that are not loaded are told by name alone: for what is asked often.
  var states: [ModelSummary] { names.map { summary($0, described: nil) } }

  /// What a client may know of a model; reads its files if it is not loaded. Files that are no good say nothing here, and why
  /// when they are loaded.
  func summary(_ name: String) -> ModelSummary {
    switch self[name] {
    case .absent, .loading: summary(name, described: (try? catalogue.describe(name)).map(details))
    case .ready, .failed: summary(name, described: nil)
    }
  }

  private func summary(_ name: String, described: ModelDetails?) -> ModelSummary {
    switch self[name] {
    case .absent: ModelSummary(name: name, state: .absent, described: described)
    case .loading: ModelSummary(name: name, state: .loading, described: described)
    case .ready(let model): ModelSummary(name: name, state: .ready(details(model)))
    case .failed(let error, _): ModelSummary(name: name, state: .failed(error.message))
    }
  }
}

extension ModelTable {
  /// The models that are in memory.
  var loaded: [String] { known.keys.filter { if case .ready = self[$0] { true } else { false } }.sorted() }

  /// Bytes that a model holds once it is loaded, as far as is known before.
  func residentBytes(_ name: String) -> Int? {
    if case .ready(let model) = self[name] { return model.residentBytes }
    return (try? catalogue.describe(name))?.residentBytes
  }

  /// Bytes that all models hold that are loaded or are being, but for one.
  func loadedBytes(but name: String) -> Int {
    known.keys.reduce(0) { sum, other in
      switch self[other] {
      case .ready, .loading: other == name ? sum : sum + (residentBytes(other) ?? 0)
      case .absent, .failed: sum
      }
    }
  }

  /// When a session last wanted a model.
  func lastUse(_ name: String) -> Duration { uses[name] ?? .zero }

  /// A session wants a model.
  mutating func use(_ name: String, at now: Duration) { uses[name] = now }
}

private func details(_ model: ServedModelDescription) -> ModelDetails {
  switch model {
  case .video(let model):
    .video(
      VideoDetails(
        sha256: model.sha256, width: model.width, height: model.height,
        framesPerSecond: model.framesPerSecond,
        actions: model.actions, defaultAction: model.actions[model.defaultAction],
        defaultSteps: model.defaultSteps, maximumSteps: model.maximumSteps,
        bytesPerStream: model.bytesPerStream,
        dataLicence: model.dataLicence))
  case .manifold(let model):
    .manifold(
      ManifoldDetails(
        sha256: model.sha256, geometry: model.geometry.name, dimension: model.geometry.manifold.dimension,
        coordinates: model.coordinates, prior: model.prior, defaultEvaluations: model.defaultEvaluations,
        maximumEvaluations: model.maximumEvaluations, defaultBatch: model.defaultBatch,
        precision: model.precision, dataLicence: model.dataLicence))
  }
}
