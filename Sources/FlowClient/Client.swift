// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// A conversation with a daemon. One thread uses it.
public struct Client: ~Copyable {
  var connection: Connection
  let endpoint: String
  /// Who the client is, for the next connection as well.
  let identity: ClientIdentity?
  let timeout: Duration
  private let interruptions: () -> Int
  private var requests = 0

  /// How often a waiting loop looks up, in milliseconds: the delay of Ctrl-C.
  static let pause = 50
  /// How often a stream is asked for on a new connection before it is given up.
  static let reconnections = 2

  /// Connects, greets, and checks that both speak the same version.
  ///
  /// - Parameters:
  ///   - identity: who the client is and who the server must be; nil neither encrypts nor tells.
  ///   - timeout: how long the server may be silent.
  ///   - interruptions: how often the user has asked to stop.
  /// - Throws: ``ClientError`` of kind `unreachable` if nothing answers in time.
  public static func connect(
    to endpoint: String, as identity: ClientIdentity? = nil, timeout: Duration = .seconds(5),
    interruptions: @escaping () -> Int = { Interruption.count }
  ) throws(ClientError) -> Client {
    var client = try Client(endpoint, identity, timeout, interruptions)
    try client.greet()
    return client
  }

  private init(
    _ endpoint: String, _ identity: ClientIdentity?, _ timeout: Duration,
    _ interruptions: @escaping () -> Int
  ) throws(ClientError) {
    connection = try Connection(endpoint, identity)
    self.endpoint = endpoint
    self.identity = identity
    self.timeout = timeout
    self.interruptions = interruptions
  }

  /// The models of the server.
  public mutating func models() throws(ClientError) -> ModelListing {
    guard case .models(let models) = try ask(.models) else { throw unexpected("models") }
    return ModelListing(models: models)
  }

  /// What is wished of a model's place in memory.
  public enum Placing: Sendable {
    /// That it is there.
    case load
    /// That it is there as its files are now.
    case reload
    /// That it is not there.
    case unload
  }

  /// Has a model loaded or let go; waits as long as that takes, which is up to ten minutes.
  public mutating func place(_ model: String, _ placing: Placing) throws(ClientError) -> ModelListing {
    let wish: ModelRequest.Wish =
      switch placing {
      case .load: .load
      case .reload: .reload
      case .unload: .unload
      }
    let request: ModelRequest
    do throws(WireError) {
      request = try ModelRequest(wish, model)
    } catch {
      throw ClientError(.usage, error.message)
    }
    guard case .model(let summary) = try ask(.model(request), patience: .seconds(600)) else {
      throw unexpected(wish.rawValue)
    }
    return ModelListing(models: [summary])
  }

  /// What the server is doing.
  public mutating func status() throws(ClientError) -> StatusListing {
    guard case .status(let status) = try ask(.status) else { throw unexpected("status") }
    return StatusListing(status: status)
  }

  private mutating func greet() throws(ClientError) {
    guard case .welcome(let welcome) = try ask(.hello(client: "flowctl")) else {
      throw unexpected("hello")
    }
    guard welcome.versions.contains(WireLimits.version) else {
      throw ClientError(
        .refused,
        "\(welcome.server) \(welcome.version) speaks the versions \(welcome.versions) of the protocol, "
          + "this client \(WireLimits.version)")
    }
    connection.confirm()
  }

  /// Sends a request and waits for the reply that carries its name.
  private mutating func ask(_ request: Request, patience: Duration? = nil) throws(ClientError) -> Reply {
    let id = nextRequest(), timeout = patience ?? timeout
    try connection.send(request, id: id)
    let clock = ContinuousClock()
    let start = clock.now
    while start.duration(to: clock.now) < timeout {
      if interruptionCount > 0 { throw ClientError(.interrupted, "interrupted") }
      guard let (message, _) = try connection.receive(milliseconds: Self.pause) else {
        try connection.checkHandshake()
        continue
      }
      if let error = refusal(message, of: id) { throw ClientError(.refused, describe(error)) }
      if message.id == id { return message.reply }
    }
    throw ClientError(
      .unreachable,
      "nothing answers at \(endpoint) within \(timeout.formatted); is flowd running, with --bind \(endpoint)"
        + (connection.isEncrypted ? ", and is --server-key its key?" : "?")
    )
  }

  /// The error that answers a request; one that could not be read is refused without its name.
  private func refusal(_ message: ReplyMessage, of id: String) -> WireError? {
    guard case .error(let failure) = message.reply else { return nil }
    let isNameless = message.id == nil && failure.session == nil
    return message.id == id || isNameless ? failure.error : nil
  }

  /// A name for the next request.
  mutating func nextRequest() -> String {
    requests += 1
    return String(requests)
  }

  /// How often the user has asked to stop.
  var interruptionCount: Int { interruptions() }

  private func unexpected(_ operation: String) -> ClientError {
    ClientError(.misbehaved, "the server's answer to \(operation) is of another kind")
  }
}

extension Duration {
  /// Seconds as a number.
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// `5.0 s`.
  var formatted: String { "\(fixed(inSeconds)) s" }
}
