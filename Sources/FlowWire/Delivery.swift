// SPDX-License-Identifier: Apache-2.0

/// When a stream is made and what becomes of it when its client does not keep up.
public struct Delivery: Sendable, Equatable {
  /// When frames are made.
  public enum Pace: String, Sendable, CaseIterable {
    /// As credit allows, and one more.
    case credit
    /// As fast as they can be, some more than credit allows.
    case asap
    /// Not earlier than they are due to be shown, and ``Delivery/aheadMilliseconds``.
    case media
  }

  /// What becomes of messages that credit does not allow to be sent.
  public enum Policy: String, Sendable, CaseIterable {
    /// They wait, and soon nothing more is made.
    case block
    /// The oldest are dropped when more wait than the credit of `open`.
    case dropOldest = "drop_oldest"
    /// All but the newest are dropped.
    case latest
  }

  /// When frames are made.
  public let pace: Pace
  /// What becomes of what cannot be sent.
  public let policy: Policy
  /// How long before they are due frames may be made at the pace of `media`.
  public let aheadMilliseconds: Int

  /// The fields of an `open` that say it.
  static let fields = ["pace", "policy", "ahead_ms"]
  /// As credit allows; nothing is dropped.
  public static let plain = Delivery()

  private init() { (pace, policy, aheadMilliseconds) = (.credit, .block, 500) }

  /// Checks a delivery; an error names the field.
  public init(pace: Pace = .credit, policy: Policy = .block, aheadMilliseconds: Int = 500) throws(WireError) {
    try checkRange("ahead_ms", aheadMilliseconds, 0...60_000)
    (self.pace, self.policy, self.aheadMilliseconds) = (pace, policy, aheadMilliseconds)
  }

  init(_ fields: FieldReader) throws(WireError) {
    try self.init(
      pace: readChoice("pace", fields) ?? .credit, policy: readChoice("policy", fields) ?? .block,
      aheadMilliseconds: fields.integer("ahead_ms") ?? 500)
    if fields.has("ahead_ms"), pace != .media {
      throw fields.mismatch("ahead_ms", "says how far ahead of playback frames are made; add pace media")
    }
  }

  func append(to object: inout JSONObject) {
    if pace != .credit { object.append("pace", pace.rawValue) }
    if policy != .block { object.append("policy", policy.rawValue) }
    if pace == .media { object.append("ahead_ms", aheadMilliseconds) }
  }
}

/// Reads one of a closed list of words.
func readChoice<Choice: RawRepresentable & CaseIterable>(
  _ name: String, _ fields: FieldReader
) throws(WireError) -> Choice? where Choice.RawValue == String {
  guard let word = try fields.string(name) else { return nil }
  guard let choice = Choice(rawValue: word) else {
    let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw fields.mismatch(name, "\"\(word)\" is unknown; take one of \(known)")
  }
  return choice
}
