// SPDX-License-Identifier: Apache-2.0

/// What `opened` tells of a client's hold on a session.
public struct Tenancy: Sendable, Equatable {
  /// What proves, with the session's name, that a later connection may have the session: 32 hexadecimal digits.
  public let token: String
  /// The index of the message that comes next.
  public let nextSequence: Int
  /// Whether the session was there before.
  public let isResumed: Bool

  /// A hold on a session.
  public init(token: String, nextSequence: Int = 0, isResumed: Bool = false) {
    self.token = token
    self.nextSequence = nextSequence
    self.isResumed = isResumed
  }

  init(_ fields: FieldReader) throws(WireError) {
    token = try fields.require("token", fields.string("token"))
    nextSequence = try fields.require("next_seq", fields.integer("next_seq"))
    isResumed = try fields.boolean("resumed") ?? false
  }

  func append(to object: inout JSONObject) {
    object.append("token", token)
    object.append("next_seq", nextSequence)
    object.append("resumed", isResumed)
  }
}
