// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A socket of libzmq, closed when it goes out of scope.
///
/// Not Sendable: make it in the thread that uses it, and keep it there.
public struct Socket: ~Copyable {
  /// What a socket does with messages.
  public enum Kind: Sendable {
    /// Sends to named peers; receives from all, the name of the sender first.
    case router
    /// Sends to and receives from its peers in turn.
    case dealer
    /// Sends a request and receives its answer, alternately.
    case request
    /// Receives a request and sends its answer, alternately.
    case reply
    /// Exchanges messages with one other socket of its context.
    case pair
    /// Sends to whoever has subscribed, and receives the subscriptions.
    case publisher
    /// Receives what it has subscribed to.
    case subscriber

    var number: Int32 {
      switch self {
      case .router: ZMQ_ROUTER
      case .dealer: ZMQ_DEALER
      case .request: ZMQ_REQ
      case .reply: ZMQ_REP
      case .pair: ZMQ_PAIR
      case .publisher: ZMQ_XPUB
      case .subscriber: ZMQ_SUB
      }
    }
  }

  let pointer: UnsafeMutableRawPointer
  /// Kept so that the context outlives the socket.
  let context: Context

  /// Opens a socket.
  public init(_ context: Context, _ kind: Kind) throws(ZeroMQError) {
    guard let pointer = zmq_socket(context.pointer, kind.number) else {
      throw ZeroMQError(code: zmq_errno(), operation: "zmq_socket")
    }
    self.pointer = pointer
    self.context = context
  }

  deinit { zmq_close(pointer) }

  /// Listens at an endpoint such as `ipc:///run/flowd/flowd.sock` or `tcp://127.0.0.1:5757`.
  public func bind(_ endpoint: String) throws(ZeroMQError) {
    try zmqCall("bind \(endpoint)") { zmq_bind(pointer, endpoint) }
  }

  /// Connects to an endpoint, which need not be there yet.
  public func connect(_ endpoint: String) throws(ZeroMQError) {
    try zmqCall("connect \(endpoint)") { zmq_connect(pointer, endpoint) }
  }

  /// The endpoint last bound or connected to, a wildcard port replaced by the one that was taken.
  public func lastEndpoint() throws(ZeroMQError) -> String {
    let capacity = 1024
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    defer { buffer.deallocate() }
    var count = capacity
    try zmqCall("ZMQ_LAST_ENDPOINT") { zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, buffer, &count) }
    return String(cString: buffer)
  }
}

extension Socket {
  /// Sets an option.
  public func set(_ option: SocketOption<Bool>, _ value: Bool) throws(ZeroMQError) {
    try set(option.number, value ? Int32(1) : 0)
  }

  /// Sets an option.
  public func set(_ option: SocketOption<Int32>, _ value: Int32) throws(ZeroMQError) {
    try set(option.number, value)
  }

  /// Sets an option.
  public func set(_ option: SocketOption<UInt32>, _ value: UInt32) throws(ZeroMQError) {
    try set(option.number, value)
  }

  /// Sets an option.
  public func set(_ option: SocketOption<Int64>, _ value: Int64) throws(ZeroMQError) {
    try set(option.number, value)
  }

  /// Sets an option.
  public func set(_ option: SocketOption<[UInt8]>, _ value: [UInt8]) throws(ZeroMQError) {
    try zmqCall("option \(option.number)") { zmq_setsockopt(pointer, option.number, value, value.count) }
  }

  private func set<Value: BitwiseCopyable>(_ number: Int32, _ value: Value) throws(ZeroMQError) {
    try zmqCall("option \(number)") {
      withUnsafePointer(to: value) { zmq_setsockopt(pointer, number, $0, MemoryLayout<Value>.size) }
    }
  }
}
