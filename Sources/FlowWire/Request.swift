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
  /// Go on with a stream that another connection had. Answered by `opened`.
  case resume(ResumeRequest)
  /// Keep what a stream is now. Answered by `snapshot`.
  case snapshot(session: String)
  /// Let a stream be what it was. Answered by `ctl_ack`.
  case rewind(RewindRequest)
  /// Have a model in memory, or no more. Answered by `model`.
  case model(ModelRequest)
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
    case .open, .resume: "open"
    case .snapshot: "snapshot"
    case .rewind: "rewind"
    case .model(let request): request.wish.rawValue
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
    "hello", "capabilities", "models", "load", "reload", "unload", "open", "credit", "control", "snapshot",
    "rewind", "cancel", "close", "status", "ping",
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
    case "open":
      if let resume = try fields.reader("resume") {
        guard body == nil else { throw .badRequest("op", "resume takes no part 1; send the header alone") }
        self = .resume(try ResumeRequest(resume, of: fields))
      } else {
        self = .open(try OpenRequest(fields, body: body))
      }
    case "snapshot": self = .snapshot(session: try readSession(fields))
    case "rewind": self = .rewind(try RewindRequest(fields))
    case "load", "reload", "unload": self = .model(try ModelRequest(operation, fields))
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
    case .resume(let resume): resume.append(to: &object)
    case .snapshot(let session): object.append("sid", session)
    case .rewind(let rewind):
      object.append("sid", rewind.session)
      object.append("snapshot", rewind.snapshot)
      object.append("ctl", rewind.number)
    case .model(let request): object.append("model", request.name)
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
