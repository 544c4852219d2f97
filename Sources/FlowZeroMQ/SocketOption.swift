// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// An option of a socket whose value has the type `Value`.
public struct SocketOption<Value>: Sendable {
  let number: Int32
}

extension SocketOption where Value == Bool {
  /// Whether sending to an unknown peer fails instead of losing the message.
  public static var routerMandatory: Self { Self(number: ZMQ_ROUTER_MANDATORY) }
  /// Whether messages are queued only for connections that are complete.
  public static var immediate: Self { Self(number: ZMQ_IMMEDIATE) }
  /// Whether a publisher receives subscriptions to what others have subscribed to already.
  public static var tellsEverySubscription: Self { Self(number: ZMQ_XPUB_VERBOSE) }
  /// Whether the socket is the server's end of CURVE.
  static var curveServer: Self { Self(number: ZMQ_CURVE_SERVER) }
  /// Whether a handshake fails when there is no handler to ask.
  static var zapEnforceDomain: Self { Self(number: ZMQ_ZAP_ENFORCE_DOMAIN) }
}

extension SocketOption where Value == UInt32 {
  /// A user of the system who may connect by ipc; set again for each. Without any everybody may whom the files let.
  public static var ipcUser: Self { Self(number: ZMQ_IPC_FILTER_UID) }
  /// A group of the system whose members may connect by ipc, beside the users; set again for each.
  public static var ipcGroup: Self { Self(number: ZMQ_IPC_FILTER_GID) }
}

extension SocketOption where Value == Int32 {
  /// How long unsent messages outlive the socket, in milliseconds; -1 for ever.
  public static var linger: Self { Self(number: ZMQ_LINGER) }
  /// How many messages may wait to be sent to a peer.
  public static var sendHighWaterMark: Self { Self(number: ZMQ_SNDHWM) }
  /// How many messages from a peer may wait to be received.
  public static var receiveHighWaterMark: Self { Self(number: ZMQ_RCVHWM) }
  /// Milliseconds from one heartbeat to the next; 0 sends none.
  public static var heartbeatInterval: Self { Self(number: ZMQ_HEARTBEAT_IVL) }
  /// Milliseconds without an answer to a heartbeat after which a peer counts as gone.
  public static var heartbeatTimeout: Self { Self(number: ZMQ_HEARTBEAT_TIMEOUT) }
  /// Milliseconds without a heartbeat after which the peer shall count us as gone.
  public static var heartbeatTimeToLive: Self { Self(number: ZMQ_HEARTBEAT_TTL) }
  /// Milliseconds within which a new connection must introduce itself.
  public static var handshakeInterval: Self { Self(number: ZMQ_HANDSHAKE_IVL) }
  /// Milliseconds before a lost connection is tried again.
  public static var reconnectInterval: Self { Self(number: ZMQ_RECONNECT_IVL) }
  /// The most milliseconds before a lost connection is tried again.
  public static var maximumReconnectInterval: Self { Self(number: ZMQ_RECONNECT_IVL_MAX) }
  /// Milliseconds after which a sending call gives up; -1 never.
  public static var sendTimeout: Self { Self(number: ZMQ_SNDTIMEO) }
  /// Milliseconds after which a receiving call gives up; -1 never.
  public static var receiveTimeout: Self { Self(number: ZMQ_RCVTIMEO) }
}

extension SocketOption where Value == Int64 {
  /// The most bytes of a part that is received; a peer that sends more is disconnected; -1 for no bound.
  public static var maximumMessageSize: Self { Self(number: ZMQ_MAXMSGSIZE) }
}

extension SocketOption where Value == [UInt8] {
  /// The name under which a router knows this socket.
  public static var routingIdentity: Self { Self(number: ZMQ_ROUTING_ID) }
  /// What a subscriber receives: messages that begin like this; set again for each.
  public static var subscription: Self { Self(number: ZMQ_SUBSCRIBE) }
  /// What the handler of ZAP is told about where a connection came to.
  static var zapDomain: Self { Self(number: ZMQ_ZAP_DOMAIN) }
  /// Our public key.
  static var curvePublicKey: Self { Self(number: ZMQ_CURVE_PUBLICKEY) }
  /// Our secret key.
  static var curveSecretKey: Self { Self(number: ZMQ_CURVE_SECRETKEY) }
  /// The public key that the server must have.
  static var curveServerKey: Self { Self(number: ZMQ_CURVE_SERVERKEY) }
}
