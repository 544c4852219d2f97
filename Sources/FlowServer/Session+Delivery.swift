// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import FlowDigest
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

  mutating func chunksEncoded(_ chunks: [StreamChunk], _ now: Duration) -> [SessionAction] {
    encoded += 1
    enqueue(chunks)
    return advance(now)
  }

  /// Lets chunks wait to be sent, and drops what the client's policy has no room for.
  mutating func enqueue(_ chunks: [StreamChunk]) {
    for chunk in chunks {
      if chunk.frames > 0, chunk.firstFrame < flushedBefore {
        drop(1)
      } else {
        queue.append(chunk)
      }
    }
    guard request.delivery.policy != .block else { return }
    let room = request.delivery.policy == .latest ? 1 : request.credit
    // What credit allows to be sent now does not wait.
    let excess = queue.count - credit - room
    if excess > 0 { dropQueue(excess) }
  }

  /// Drops the oldest of what waits.
  mutating func dropQueue(_ count: Int) {
    queue.removeFirst(count)
    drop(count)
  }

  private mutating func drop(_ count: Int) {
    dropped.add(count)
    sequence += count
  }

  /// Sends, generates and ends whatever may be sent, generated and ended now.
  mutating func advance(_ now: Duration) -> [SessionAction] {
    guard isOpen else { return [] }
    var actions = sendWhatCreditAllows(now)
    while mayGenerate(now) { actions.append(issueFrame()) }
    if stage == .streaming, issued == frameLimit, encoded == issued {
      stage = .finishing
      actions.append(.finish)
    }
    if stage == .flushing, queue.isEmpty, resend.isEmpty, isHeld || deadline != nil {
      actions += end(endReason, now)
    }
    return actions
  }

  /// When the next frame may be generated, if it is only time that it waits for.
  var nextDue: Duration? { hasRoom ? playback?.due(issued) : nil }

  private mutating func mayGenerate(_ now: Duration) -> Bool {
    hasRoom && playback?.allows(issued, at: now) ?? true
  }

  /// Whether there is room for another frame on the way to the client.
  private var hasRoom: Bool {
    guard stage == .streaming, isHeld, pausedSince == nil, issued < frameLimit ?? .max,
      issued - generated < Self.generationDepth, issued - encoded < Self.pipelineDepth
    else { return false }
    guard request.delivery.policy == .block else { return true }
    let isFar = request.delivery.pace == .asap && queueBytes < Self.lookaheadBytes
    let ahead = isFar ? Self.longLookahead : Self.lookahead
    return issued - encoded + queue.count + resend.count < credit + ahead
  }

  private mutating func issueFrame() -> SessionAction {
    let choice = schedule.take(issued)
    inGeneration.append(FrameFacts(frame: issued, choice: choice))
    issued += 1
    log?.append(choice.action)
    if log?.isTooLong == true { log = nil }
    return .generate(frame: issued - 1, action: choice.action)
  }

  private mutating func sendWhatCreditAllows(_ now: Duration) -> [SessionAction] {
    var actions: [SessionAction] = []
    while credit > 0, let entry = resend.popFirst() {
      actions.append(.send(entry.reply, id: nil, body: entry.body))
      credit -= 1
    }
    while credit > 0, let chunk = queue.popFirst() {
      actions.append(deliver(chunk))
      credit -= 1
    }
    guard !actions.isEmpty else { return [] }
    if credit == 0 { creditMissingSince = now }
    lastSent = now
    return actions
  }

  private mutating func deliver(_ chunk: StreamChunk) -> SessionAction {
    let reply = describe(chunk, dropped: dropped.tell())
    sinceGrant += 1
    sent.append(SentRing.Entry(sequence: sequence, reply: reply, body: chunk.bytes))
    sequence += 1
    framesSent += chunk.frames
    bytesSent += chunk.bytes.count
    if dropped.total == 0 {
      digestSent = chunk.digest
    } else {
      // The encoder's digest is of everything, and not everything was sent.
      digestSent.update(chunk.bytes)
    }
    return .send(reply, id: nil, body: chunk.bytes)
  }
}

// MARK: - Headers

extension Session {
  private func describe(_ chunk: StreamChunk, dropped: Int) -> Reply {
    switch plan {
    case nil: preconditionFailure("session \(name): a chunk came before the plan")
    case .video(let plan): describe(chunk, plan, dropped)
    case .points(let plan): .points(describe(chunk, plan))
    }
  }

  private func describe(_ chunk: StreamChunk, _ plan: PointsPlan) -> PointsHeader {
    PointsHeader(
      session: name, sequence: sequence, first: chunk.firstFrame, shape: chunk.shape ?? [],
      coordinates: plan.model.coordinates, generationMilliseconds: chunk.facts?.milliseconds ?? 0,
      isLast: chunk.firstFrame + chunk.frames == plan.points)
  }

  private func describe(_ chunk: StreamChunk, _ plan: StreamPlan, _ dropped: Int) -> Reply {
    guard plan.settings.format == .rgb24, let facts = chunk.facts else {
      return .media(
        MediaHeader(
          session: name, sequence: sequence, kind: chunk.frames == 0 && sequence == 0 ? .initial : .segment,
          mediaType: plan.settings.format.mediaType, firstFrame: chunk.firstFrame, frames: chunk.frames,
          isKey: chunk.isKey, dropped: dropped))
    }
    return .frame(
      FrameHeader(
        session: name, sequence: sequence, width: plan.settings.outputWidth,
        height: plan.settings.outputHeight, action: plan.model.actions[facts.choice.action],
        control: facts.choice.control, generationMilliseconds: facts.milliseconds,
        isLast: facts.frame + 1 == plan.frames, dropped: dropped))
  }
}
