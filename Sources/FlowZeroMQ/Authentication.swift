// SPDX-License-Identifier: Apache-2.0

/// The handler that libzmq asks whether a client may connect: ZAP, RFC 27.
///
/// There is one in a context, made before the sockets that need it, and used in one thread.
public struct Authentication: ~Copyable {
  /// Where libzmq asks.
  public static let endpoint = "inproc://zeromq.zap.01"

  private let socket: Socket

  /// Begins to listen.
  public init(_ context: Context) throws(ZeroMQError) {
    let socket = try Socket(context, .reply)
    try socket.bind(Self.endpoint)
    self.socket = socket
  }

  /// Waits for questions, for a poll.
  public var pollItem: PollItem { PollItem(socket, .input) }

  /// Answers the questions that wait, a bounded number: who is let in speaks under its public key as its name.
  public func answer(_ mayConnect: (CurvePublicKey) -> Bool) throws(ZeroMQError) {
    for _ in 0..<64 {
      guard let parts = try socket.receive(keeping: 8, wait: false) else { return }
      let request = AuthenticationRequest(parts)
      let key = request.key.flatMap { mayConnect($0) ? $0 : nil }
      // A dealer in libzmq waits for the answer, so that there is room.
      _ = try socket.send(request.reply(key), wait: false)
    }
  }
}

/// A question of libzmq: version, number, domain, address, identity, mechanism, credentials.
struct AuthenticationRequest {
  private let number: [UInt8]
  /// The client's key, if it has proved to own one.
  let key: CurvePublicKey?

  init(_ parts: [[UInt8]]) {
    number = parts.count > 1 ? parts[1] : []
    let isOfCurve = parts.count == 7 && parts[0] == version && parts[5] == Array("CURVE".utf8)
    key = isOfCurve ? CurvePublicKey(bytes: parts[6]) : nil
  }

  /// Version, number, status, text, user, metadata.
  func reply(_ key: CurvePublicKey?) -> [[UInt8]] {
    let (status, text) = key == nil ? ("400", "this key may not connect") : ("200", "welcome")
    return [version, number, Array(status.utf8), Array(text.utf8), Array((key?.text ?? "").utf8), []]
  }
}

private let version = Array("1.0".utf8)
