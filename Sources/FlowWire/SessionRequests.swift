// SPDX-License-Identifier: Apache-2.0

/// Leave to send more messages of a session.
public struct CreditRequest: Sendable, Equatable {
  /// The session.
  public let session: String
  /// How many messages more, 1…1024.
  public let count: Int

  /// Checks a grant of credit.
  public init(session: String, count: Int) throws(WireError) {
    try checkName("sid", session)
    try checkRange("n", count, 1...WireLimits.credit)
    self.session = session
    self.count = count
  }

  init(_ fields: FieldReader) throws(WireError) {
    try self.init(
      session: fields.require("sid", fields.string("sid")), count: fields.require("n", fields.integer("n")))
  }
}

/// A change of what a session does.
public struct ControlRequest: Sendable, Equatable {
  /// From which frame on the change holds.
  public enum Place: Sendable, Equatable {
    /// The next frame that is not being generated yet.
    case next
    /// The frame with this index, counted from 0.
    case frame(Int)
  }

  /// The session.
  public let session: String
  /// The client's number for the change, echoed in `ctl_ack` and in frames.
  public let number: Int?
  /// From which frame on the change holds.
  public let place: Place
  /// What is done from there on, in place of everything planned before; nil changes no action.
  public let plan: ActionPlan?
  /// Whether frames that were made and not sent are dropped, so that the change is seen at once.
  public let flushes: Bool
  /// Whether nothing is made from now on, or something again; nil leaves that as it is.
  public let pauses: Bool?

  /// Checks a change.
  public init(
    session: String, number: Int? = nil, place: Place = .next, plan: ActionPlan? = nil, flushes: Bool = false,
    pauses: Bool? = nil
  ) throws(WireError) {
    try checkName("sid", session)
    guard plan != nil || flushes || pauses != nil else {
      throw .badRequest("action", "nothing is to be changed; say action, actions, pause or flush")
    }
    if let number { try checkRange("ctl", number, 0...(1 << 53)) }
    if case .frame(let index) = place { try checkRange("at.seq", index, 0...WireLimits.frames) }
    self.session = session
    self.number = number
    self.place = place
    self.plan = plan
    self.flushes = flushes
    self.pauses = pauses
  }

  init(_ fields: FieldReader) throws(WireError) {
    try self.init(
      session: fields.require("sid", fields.string("sid")), number: fields.integer("ctl"),
      place: readPlace(fields), plan: ActionPlan(fields), flushes: fields.boolean("flush") ?? false,
      pauses: fields.boolean("pause"))
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("ctl", number)
    switch place {
    case .next: object.append("at", "next")
    case .frame(let index):
      var at = JSONObject()
      at.append("seq", index)
      object.append("at", .object(at))
    }
    plan?.append(to: &object)
    if flushes { object.append("flush", true) }
    object.append("pause", pauses)
  }
}

private func readPlace(_ fields: FieldReader) throws(WireError) -> ControlRequest.Place {
  switch fields.value("at") {
  case nil, .string("next"): return .next
  case .object(let object):
    let at = FieldReader(object, path: "at.")
    return .frame(try at.require("seq", at.integer("seq")))
  default: throw fields.mismatch("at", "must be \"next\" or {\"seq\": index}")
  }
}

/// A wish that a stream goes on from one of its snapshots.
public struct RewindRequest: Sendable, Equatable {
  /// The session.
  public let session: String
  /// The snapshot.
  public let snapshot: String
  /// The client's number for the change, echoed in `ctl_ack` and in frames.
  public let number: Int?

  /// Checks a wish.
  public init(session: String, snapshot: String, number: Int? = nil) throws(WireError) {
    try checkName("sid", session)
    try checkName("snapshot", snapshot)
    if let number { try checkRange("ctl", number, 0...(1 << 53)) }
    (self.session, self.snapshot, self.number) = (session, snapshot, number)
  }

  init(_ fields: FieldReader) throws(WireError) {
    try self.init(
      session: fields.require("sid", fields.string("sid")),
      snapshot: fields.require("snapshot", fields.string("snapshot")), number: fields.integer("ctl"))
  }
}

/// A wish about a model's place in memory.
public struct ModelRequest: Sendable, Equatable {
  /// What is wished.
  public enum Wish: String, Sendable {
    /// That it is there.
    case load
    /// That it is there as its files are now; streams that run keep what they have.
    case reload
    /// That it is not there.
    case unload
  }

  /// What is wished.
  public let wish: Wish
  /// The name of the model.
  public let name: String

  /// Checks a wish.
  public init(_ wish: Wish, _ name: String) throws(WireError) {
    try checkName("model", name)
    (self.wish, self.name) = (wish, name)
  }

  init(_ operation: String, _ fields: FieldReader) throws(WireError) {
    guard let wish = Wish(rawValue: operation) else {
      preconditionFailure("ModelRequest: the operation \(operation)")
    }
    try self.init(wish, fields.require("model", fields.string("model")))
  }
}

/// Which session is to be cancelled.
public enum CancelRequest: Sendable, Equatable {
  /// The session with this identifier: `"sid": …`.
  case session(String)
  /// The session whose `open` carried this `id`, before its `opened` has come: `"id": …` and no `sid`.
  case request(String)

  init(_ fields: FieldReader) throws(WireError) {
    if let session = try fields.string("sid") {
      try checkName("sid", session)
      self = .session(session)
    } else if let id = try fields.string("id") {
      self = .request(id)
    } else {
      throw fields.mismatch("sid", "is missing; name the session, or by id the open that made it")
    }
  }
}
