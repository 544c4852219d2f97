// SPDX-License-Identifier: Apache-2.0

/// What the daemon tells a client; in a message it is the header, and frames, points and media have a body as well.
public enum Reply: Sendable, Equatable {
  /// Answers `hello`.
  case welcome(Welcome)
  /// Answers `capabilities`.
  case capabilities(Capabilities)
  /// Answers `models`.
  case models([ModelSummary])
  /// Answers `load`, `reload` and `unload`, when it is done.
  case model(ModelSummary)
  /// Tells a client whose `open` has to wait, and again when its place changes.
  case queued(Queued)
  /// Answers `snapshot`.
  case snapshot(SnapshotTaken)
  /// Answers `open` of a video model.
  case opened(Opened)
  /// Answers `open` of a manifold; on the wire `opened` of the kind "points".
  case openedPoints(OpenedPoints)
  /// One bare RGB frame; the body is its pixels.
  case frame(FrameHeader)
  /// Points of a manifold; the body is their coordinates.
  case points(PointsHeader)
  /// A run of bytes of an encoded stream; the body is those bytes.
  case media(MediaHeader)
  /// Answers `control`.
  case controlAcknowledged(ControlAcknowledgement)
  /// A session lives although nothing else is sent: at least once a second.
  case progress(Progress)
  /// The last word on a session.
  case end(StreamEnd)
  /// Something cannot be done.
  case error(Failure)
  /// Answers `status`.
  case status(ServerStatus)
  /// Answers `ping`.
  case pong

  /// The word for the reply on the wire.
  public var operation: String {
    switch self {
    case .welcome: "welcome"
    case .capabilities: "capabilities"
    case .models: "models"
    case .model: "model"
    case .queued: "queued"
    case .snapshot: "snapshot"
    case .opened, .openedPoints: "opened"
    case .frame: "frame"
    case .points: "points"
    case .media: "media"
    case .controlAcknowledged: "ctl_ack"
    case .progress: "progress"
    case .end: "end"
    case .error: "error"
    case .status: "status"
    case .pong: "pong"
    }
  }

  init(_ operation: String, _ fields: FieldReader) throws(WireError) {
    switch operation {
    case "welcome": self = .welcome(try Welcome(fields))
    case "capabilities": self = .capabilities(try Capabilities(fields))
    case "models":
      self = .models(try ModelSummary.list(fields.require("models", fields.objects("models"))))
    case "model": self = .model(try ModelSummary(fields))
    case "queued": self = .queued(try Queued(fields))
    case "snapshot": self = .snapshot(try SnapshotTaken(fields))
    case "opened" where try fields.string("kind") == OpenedPoints.kind:
      self = .openedPoints(try OpenedPoints(fields))
    case "opened": self = .opened(try Opened(fields))
    case "frame": self = .frame(try FrameHeader(fields))
    case "points": self = .points(try PointsHeader(fields))
    case "media": self = .media(try MediaHeader(fields))
    case "ctl_ack": self = .controlAcknowledged(try ControlAcknowledgement(fields))
    case "progress": self = .progress(try Progress(fields))
    case "end": self = .end(try StreamEnd(fields))
    case "error": self = .error(try Failure(fields))
    case "status": self = .status(try ServerStatus(fields))
    case "pong": self = .pong
    default:
      throw WireError(.unknownOperation, "a reply of the kind \"\(operation)\" is not known", field: "op")
    }
  }

  func append(to object: inout JSONObject) {
    switch self {
    case .welcome(let reply): reply.append(to: &object)
    case .capabilities(let reply): reply.append(to: &object)
    case .models(let models): object.append("models", .array(models.map { .object($0.json) }))
    case .model(let model): for member in model.json.members { object.append(member.name, member.value) }
    case .queued(let reply): reply.append(to: &object)
    case .snapshot(let reply): reply.append(to: &object)
    case .opened(let reply): reply.append(to: &object)
    case .openedPoints(let reply): reply.append(to: &object)
    case .frame(let reply): reply.append(to: &object)
    case .points(let reply): reply.append(to: &object)
    case .media(let reply): reply.append(to: &object)
    case .controlAcknowledged(let reply): reply.append(to: &object)
    case .progress(let reply): reply.append(to: &object)
    case .end(let reply): reply.append(to: &object)
    case .error(let reply): reply.append(to: &object)
    case .status(let reply): reply.append(to: &object)
    case .pong: break
    }
  }
}
