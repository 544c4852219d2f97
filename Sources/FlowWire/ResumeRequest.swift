// SPDX-License-Identifier: Apache-2.0

/// A wish to go on with a session from another connection: `open` with `resume` and no model.
public struct ResumeRequest: Sendable, Equatable {
  /// The session.
  public let session: String
  /// What `opened` gave its first holder.
  public let token: String
  /// The index of the first message that the client wants; those before it have arrived.
  public let firstSequence: Int
  /// How many messages the server may send before more credit is given, 1…1024.
  public let credit: Int
  /// Whether a holder that is alive loses the session.
  public let takesOver: Bool

  /// Checks a wish to go on; an error names the field.
  public init(
    session: String, token: String, firstSequence: Int, credit: Int = OpenRequest.defaultCredit,
    takesOver: Bool = false
  ) throws(WireError) {
    try checkName("resume.sid", session)
    try checkName("resume.token", token)
    try checkRange("resume.from_seq", firstSequence, 0...WireLimits.sequences)
    try checkRange("credit", credit, 1...WireLimits.credit)
    self.session = session
    self.token = token
    self.firstSequence = firstSequence
    self.credit = credit
    self.takesOver = takesOver
  }

  /// Reads `resume` of an `open`, whose other fields but `credit` would contradict it.
  init(_ resume: FieldReader, of fields: FieldReader) throws(WireError) {
    let others =
      ["model", "seed", "from", "format", "record", "observe", "ctl_log"] + Delivery.fields + VideoWish.fields
      + PointsWish.fields
    if let other = others.first(where: fields.has) {
      throw fields.mismatch(other, "was decided when the session was opened; leave it out beside resume")
    }
    try self.init(
      session: resume.require("sid", resume.string("sid")),
      token: resume.require("token", resume.string("token")),
      firstSequence: resume.require("from_seq", resume.integer("from_seq")),
      credit: fields.integer("credit") ?? OpenRequest.defaultCredit,
      takesOver: resume.boolean("takeover") ?? false)
  }

  func append(to object: inout JSONObject) {
    var resume = JSONObject()
    resume.append("sid", session)
    resume.append("token", token)
    resume.append("from_seq", firstSequence)
    resume.append("takeover", takesOver)
    object.append("resume", .object(resume))
    object.append("credit", credit)
  }
}
