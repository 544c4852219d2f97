// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

extension Session {
  mutating func modelReady(_ model: ServedModelDescription, _ now: Duration) -> [SessionAction] {
    guard stage == .waitingForModel else { return [] }
    do throws(WireError) {
      let plan = try SessionPlan(request, model: model, seed: seed)
      self.plan = plan
      seed = plan.seed
      frameLimit = plan.limit
      if case .video(let plan) = plan {
        schedule = plan.schedule
        playback = plan.playback(request.delivery)
      }
      stage = .preparing
      return [.prepare(plan)]
    } catch {
      return fail(error, now)
    }
  }

  mutating func prepared(_ image: RGBImage?, _ now: Duration) -> [SessionAction] {
    guard stage == .preparing, let plan else { return [] }
    stage = .streaming
    lastSent = now
    let tenancy = Tenancy(token: token.hexadecimal)
    // The stream has it from here on, and as long as a session lives is long.
    request = request.withoutBody
    self.plan = plan.withoutBody
    return [
      .begin(plan.beginning(image, at: request.snapshot, seed: request.seed)),
      .send(opened(plan, tenancy), id: openID, body: nil),
    ] + advance(now)
  }

  func opened(_ plan: SessionPlan, _ tenancy: Tenancy) -> Reply {
    switch plan {
    case .video(let plan):
      .opened(
        Opened(
          session: name, tenancy: tenancy, model: plan.model.name, modelDigest: plan.model.sha256,
          width: plan.settings.outputWidth, height: plan.settings.outputHeight,
          rateNumerator: plan.settings.rate.numerator, rateDenominator: plan.settings.rate.denominator,
          seed: plan.seed, steps: plan.steps, frames: plan.frames, format: plan.format,
          mediaType: plan.settings.format.mediaType))
    case .points(let plan):
      .openedPoints(
        OpenedPoints(
          session: name, tenancy: tenancy, model: plan.model.name, modelDigest: plan.model.sha256,
          geometry: plan.model.geometry.name, coordinates: plan.model.coordinates, seed: plan.seed,
          evaluations: plan.walk.evaluations, points: plan.points, batch: plan.batch, times: plan.times))
    }
  }
}
