// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

extension Session {
  mutating func unitGenerated(
    _ unit: StreamUnit, _ milliseconds: Double, _ now: Duration
  ) -> [SessionAction] {
    precondition(!inGeneration.isEmpty, "session \(name): a frame came that nobody asked for")
    generated += 1
    var facts = inGeneration.removeFirst()
    facts.milliseconds = milliseconds
    return [.encode(unit, facts)] + advance(now)
  }

  /// Sends, generates and ends whatever may be sent, generated and ended now.
  mutating func advance(_ now: Duration) -> [SessionAction] {
    guard isOpen else { return [] }
    var actions = sendWhatCreditAllows(now)
    while mayGenerate { actions.append(issueFrame()) }
    if stage == .streaming, issued == frameLimit, encoded == issued {
      stage = .finishing
      actions.append(.finish)
    }
    if stage == .flushing, queue.isEmpty { actions += end(endReason, now) }
    return actions
  }

  private var mayGenerate: Bool {
    stage == .streaming && issued < frameLimit ?? .max
      && issued - generated < Self.generationDepth && issued - encoded < Self.pipelineDepth
      && issued - encoded + queue.count < credit + Self.lookahead
  }

  private mutating func issueFrame() -> SessionAction {
    let choice = schedule.take(issued)
    inGeneration.append(FrameFacts(frame: issued, choice: choice))
    issued += 1
    return .generate(frame: issued - 1, action: choice.action)
  }

  private mutating func sendWhatCreditAllows(_ now: Duration) -> [SessionAction] {
    let count = min(credit, queue.count)
    guard count > 0 else { return [] }
    var actions: [SessionAction] = []
    for chunk in queue.prefix(count) { actions.append(deliver(chunk)) }
    queue.removeFirst(count)
    credit -= count
    if credit == 0 { creditMissingSince = now }
    lastSent = now
    return actions
  }

  private mutating func deliver(_ chunk: StreamChunk) -> SessionAction {
    let reply = describe(chunk)
    sequence += 1
    framesSent += chunk.frames
    bytesSent += chunk.bytes.count
    digestSent = chunk.digest
    return .send(reply, id: nil, body: chunk.bytes)
  }

  private func describe(_ chunk: StreamChunk) -> Reply {
    switch plan {
    case nil: preconditionFailure("session \(name): a chunk came before the plan")
    case .video(let plan): describe(chunk, plan)
    case .points(let plan): .points(describe(chunk, plan))
    }
  }

  private func describe(_ chunk: StreamChunk, _ plan: PointsPlan) -> PointsHeader {
    PointsHeader(
      session: name, sequence: sequence, first: chunk.firstFrame, shape: chunk.shape ?? [],
      coordinates: plan.model.coordinates, generationMilliseconds: chunk.facts?.milliseconds ?? 0,
      isLast: chunk.firstFrame + chunk.frames == plan.points)
  }

  private func describe(_ chunk: StreamChunk, _ plan: StreamPlan) -> Reply {
    guard plan.settings.format == .rgb24, let facts = chunk.facts else {
      return .media(
        MediaHeader(
          session: name, sequence: sequence, kind: chunk.frames == 0 && sequence == 0 ? .initial : .segment,
          mediaType: plan.settings.format.mediaType, firstFrame: chunk.firstFrame, frames: chunk.frames,
          isKey: chunk.isKey))
    }
    return .frame(
      FrameHeader(
        session: name, sequence: sequence, width: plan.settings.outputWidth,
        height: plan.settings.outputHeight, action: plan.model.actions[facts.choice.action],
        control: facts.choice.control, generationMilliseconds: facts.milliseconds,
        isLast: facts.frame + 1 == plan.frames))
  }
}
