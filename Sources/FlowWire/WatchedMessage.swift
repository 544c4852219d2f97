// SPDX-License-Identifier: Apache-2.0

/// A message of a stream as it is published to those who watch: a topic, the header, and a body where there is one.
///
/// The header is that of the ``Reply`` that the stream's own client gets, without its token and with `server_ms`, the
/// milliseconds that the daemon has run: who sees it stand behind one's own clock more and more is too slow.
public struct WatchedMessage: Sendable {
  /// The session that is watched.
  public let session: String
  /// What is told.
  public let reply: Reply
  /// How long the daemon has run.
  public let milliseconds: Int

  /// A message of a stream.
  public init(session: String, _ reply: Reply, milliseconds: Int) {
    self.session = session
    self.reply = reply
    self.milliseconds = milliseconds
  }

  /// The topic, which subscriptions begin with: the session and what the message is, "s1 frame".
  public var topic: [UInt8] { Array("\(session) \(reply.operation)".utf8) }

  /// The header.
  public func header() -> [UInt8] {
    var all = JSONObject()
    reply.append(to: &all)
    var header = JSONObject()
    header.append("v", WireLimits.version)
    header.append("op", reply.operation)
    header.append("server_ms", milliseconds)
    for member in all.members where member.name != "token" { header.append(member.name, member.value) }
    return JSONValue.object(header).serialised()
  }
}
