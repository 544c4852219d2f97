// SPDX-License-Identifier: Apache-2.0

/// What a client may ask of the daemon.
public enum Request: Sendable, Equatable {
  /// Who are you? `client` names the caller for the log. Answered by `welcome`.
  case hello(client: String?)
  /// What can you, or one of your models, do? Answered by `capabilities`, without loading anything.
  case capabilities(model: String?)
  /// Which models are there? Answered by `models`.
  case models
  /// Begin a stream. Answered by `opened`.
  case open(OpenRequest)
  /// You may send more messages. Not answered.
  case credit(CreditRequest)
  /// Take other actions. Answered by `ctl_ack`.
  case control(ControlRequest)
  /// Stop a stream now; what was not sent is lost. Answered by `end`, again and again.
  case cancel(CancelRequest)
  /// Stop generating, finish the encoder, send the rest. Answered by `end`.
  case close(session: String)
  /// How are you? Answered by `status`.
  case status
  /// Are you there? Answered by `pong`.
  case ping

  /// The word for the request on the wire.
  public var operation: String {
    switch self {
    case .hello: "hello"
    case .capabilities: "capabilities"
    case .models: "models"
    case .open: "open"
    case .credit: "credit"
    case .control: "control"
    case .cancel: "cancel"
    case .close: "close"
    case .status: "status"
    case .ping: "ping"
    }
  }

  /// All words for requests.
  static let operations = [
    "hello", "capabilities", "models", "open", "credit", "control", "cancel", "close", "status", "ping",
  ]

  init(_ operation: String, _ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    guard Self.operations.contains(operation) else {
      throw WireError(
        .unknownOperation,
        "op \"\(operation)\" is not known; take one of "
          + Self.operations.joined(separator: ", "), field: "op")
    }
    guard body == nil || operation == "open" else {
      throw .badRequest("op", "\(operation) takes no part 1; send the header alone")
    }
    switch operation {
    case "hello": self = .hello(client: try fields.string("client"))
    case "capabilities": self = .capabilities(model: try fields.string("model"))
    case "models": self = .models
    case "open": self = .open(try OpenRequest(fields, body: body))
    case "credit": self = .credit(try CreditRequest(fields))
    case "control": self = .control(try ControlRequest(fields))
    case "cancel": self = .cancel(try CancelRequest(fields))
    case "close": self = .close(session: try readSession(fields))
    case "status": self = .status
    default: self = .ping
    }
  }

  func append(to object: inout JSONObject) {
    switch self {
    case .hello(let client): object.append("client", client)
    case .capabilities(let model): object.append("model", model)
    case .models, .status, .ping: break
    case .open(let open): open.append(to: &object)
    case .credit(let credit):
      object.append("sid", credit.session)
      object.append("n", credit.count)
    case .control(let control): control.append(to: &object)
    case .cancel(.session(let session)): object.append("sid", session)
    case .cancel(.request): break
    case .close(let session): object.append("sid", session)
    }
  }
}

private func readSession(_ fields: FieldReader) throws(WireError) -> String {
  let session = try fields.require("sid", fields.string("sid"))
  try checkName("sid", session)
  return session
}
