// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

extension Session {
  mutating func modelReady(_ model: VideoModelDescription, _ now: Duration) -> [SessionAction] {
    guard stage == .waitingForModel else { return [] }
    do throws(WireError) {
      let plan = try StreamPlan(request, model: model, seed: .random(in: .min ... .max))
      self.plan = plan
      schedule = plan.schedule
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
    let options = StreamOptions(seed: plan.seed, steps: plan.steps, initialImage: image)
    return [.begin(options), .send(.opened(opened(plan)), id: openID, body: nil)] + advance(now)
  }

  private func opened(_ plan: StreamPlan) -> Opened {
    Opened(
      session: name, model: plan.model.name, modelDigest: plan.model.sha256,
      width: plan.settings.outputWidth, height: plan.settings.outputHeight,
      rateNumerator: plan.settings.rate.numerator, rateDenominator: plan.settings.rate.denominator,
      seed: plan.seed, steps: plan.steps, frames: plan.frames, format: request.format.kind,
      mediaType: plan.settings.format.mediaType)
  }
}
