// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowWire

/// What a session will do, checked against its model.
enum SessionPlan {
  /// Frames.
  case video(StreamPlan)
  /// Points.
  case points(PointsPlan)

  /// Checks a request against the model that it names.
  ///
  /// - Parameters:
  ///   - seed: taken where the request has none.
  /// - Throws: an error that names the field.
  init(_ request: OpenRequest, model: ServedModelDescription, seed: UInt64) throws(WireError) {
    switch (model, request.content) {
    case (.video(let model), .video(let wish)):
      self = .video(try StreamPlan(request, wish, model: model, seed: seed))
    case (.video(let model), .plain):
      self = .video(try StreamPlan(request, .plain, model: model, seed: seed))
    case (.manifold(let model), .points(let wish)):
      self = .points(try PointsPlan(request, wish, model: model, seed: seed))
    case (.manifold(let model), .plain):
      // Checked as if it had been known to be about points.
      let wish = try OpenRequest(
        model: request.model, seed: request.seed, credit: request.credit, delivery: request.delivery,
        snapshot: request.snapshot, wantsLog: request.wantsLog, .points(.plain))
      self = .points(try PointsPlan(wish, .plain, model: model, seed: seed))
    case (.video(let model), .points):
      throw .badRequest(
        "model", "the model \(model.name) makes video; ask for frames, or take a model of the kind manifold")
    case (.manifold(let model), .video):
      throw .badRequest(
        "model",
        "the model \(model.name) makes points of \(model.geometry.name); ask for points and nfe, or take a model of "
          + "the kind video")
    }
  }

  /// What the stream is made by.
  var model: ServedModelDescription {
    switch self {
    case .video(let plan): .video(plan.model)
    case .points(let plan): .manifold(plan.model)
    }
  }

  /// What decides everything random.
  var seed: UInt64 {
    switch self {
    case .video(let plan): plan.seed
    case .points(let plan): plan.seed
    }
  }

  /// The most messages that the client may be owed.
  var creditLimit: Int {
    switch self {
    case .video(let plan): plan.creditLimit
    case .points(let plan): plan.creditLimit
    }
  }

  /// The same plan without what the stream takes over when it begins.
  var withoutBody: SessionPlan {
    switch self {
    case .video(var plan):
      plan.image = nil
      return .video(plan)
    case .points(var plan):
      plan.start = nil
      return .points(plan)
    }
  }

  /// How many units, frames or batches of points, are generated; nil goes on.
  var limit: Int? {
    switch self {
    case .video(let plan): plan.frames == 0 ? nil : plan.frames
    case .points(let plan): plan.points == 0 ? nil : plan.messages
    }
  }

  /// How many frames or points so many units are.
  func amount(of units: Int) -> Int {
    switch self {
    case .video: units
    case .points(let plan): plan.points == 0 ? units * plan.batch : min(plan.points, units * plan.batch)
    }
  }

  /// How the stream begins.
  func beginning(_ image: RGBImage?, at snapshot: String?, seed: UInt64?) -> StreamBeginning {
    switch self {
    case .video(let plan):
      if let snapshot {
        .snapshot(snapshot, seed: seed, steps: plan.steps)
      } else {
        .video(StreamOptions(seed: plan.seed, steps: plan.steps, initialImage: image))
      }
    case .points(let plan): .points(plan.options)
    }
  }
}
