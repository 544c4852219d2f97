// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import FlowDigest
internal import FlowWire

/// Clients that are lost and come back.
extension Session {
  /// The client cannot be reached: what it was sent may not have arrived, and nothing more is made.
  mutating func lose(_ now: Duration) -> [SessionAction] {
    guard isOpen else { return [release(.lease, now)] }
    guard isHeld else { return [] }
    lostSince = now
    credit = 0
    creditMissingSince = nil
    resend = []
    return [.releaseHolder]
  }

  /// A connection that knows the token, and may go on with the session, does.
  mutating func resume(_ wish: ResumeRequest, _ id: String?, _ now: Duration) -> [SessionAction] {
    if stage == .ended {
      stage = .flushing
      pausedSince = nil
    }
    lostSince = nil
    creditMissingSince = nil
    sinceGrant = 0
    credit = wish.credit
    sent.allow(credit)
    resend = sent.messages(from: wish.firstSequence)
    lastSent = now
    let tenancy = Tenancy(token: token.hexadecimal, nextSequence: wish.firstSequence, isResumed: true)
    guard let plan else { preconditionFailure("session \(name): open without a plan") }
    return [.send(opened(plan, tenancy), id: id, body: nil)] + advance(now)
  }

  /// Throws unless what a connection wants to go on with is still there.
  func checkMayResume(_ wish: ResumeRequest) throws(WireError) {
    guard let plan, isOpen else {
      throw WireError(
        .conflict, "the session \"\(name)\" is not open yet; wait for opened", field: "resume.sid")
    }
    guard wish.firstSequence <= sequence else {
      throw .badRequest(
        "resume.from_seq",
        "resume.from_seq is \(wish.firstSequence); the message that comes next is \(sequence)")
    }
    let oldest = sent.oldest
    guard wish.firstSequence >= oldest else {
      throw WireError(
        .gone,
        "message \(wish.firstSequence) is not kept any more; go on from \(oldest), or open another session",
        field: "resume.from_seq", oldest: oldest)
    }
    guard wish.credit <= plan.creditLimit else {
      throw .badRequest(
        "credit", "credit is \(wish.credit); messages of this size allow \(plan.creditLimit) at a time")
    }
  }
}
