// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// The models of a server.
public struct ModelListing: Sendable {
  let models: [ModelSummary]

  /// A line a model.
  public var table: String { modelTable(models) }

  /// The server's answer: one JSON object on one line.
  public var json: String {
    String(decoding: ReplyMessage(.models(models)).header(), as: UTF8.self)
  }
}

/// What a server is doing.
public struct StatusListing: Sendable {
  let status: ServerStatus

  /// The server's answer: one JSON object on one line.
  public var json: String {
    String(decoding: ReplyMessage(.status(status)).header(), as: UTF8.self)
  }

  /// The server in a few lines, its sessions and its models a line each.
  public var table: String {
    let seconds = fixed(Double(status.uptimeMilliseconds) / 1000)
    let head = """
      flowd \(status.version), up \(seconds) s\(status.isDraining ? ", about to stop" : "")
      \(status.sessions.count) of \(status.limits.sessions) sessions; \
      \(status.sessionsOpened) opened, \(status.framesGenerated) frames and \(status.pointsGenerated) points \
      generated so far
      """
    let sessions = status.sessions.isEmpty ? [] : [sessionTable(status.sessions)]
    return ([head] + sessions + [modelTable(status.models)]).joined(separator: "\n\n")
  }
}

private func modelTable(_ models: [ModelSummary]) -> String {
  guard !models.isEmpty else { return "no models" }
  var table = Table(["MODEL", "STATE", "MAKES", "FPS", "STEPS", "ACTIONS", "SHA256"])
  for model in models { table.append([model.name] + cells(model.state)) }
  return table.text
}

private func cells(_ state: ModelSummary.State) -> [String] {
  switch state {
  case .absent: ["absent"]
  case .loading: ["loading"]
  case .failed(let reason): ["failed: \(reason)"]
  case .ready(.video(let details)):
    [
      "ready", "\(details.width)×\(details.height)", fixed(details.framesPerSecond),
      "\(details.defaultSteps) (1…\(details.maximumSteps))", details.actions.joined(separator: " "),
      String(details.sha256.prefix(12)),
    ]
  case .ready(.manifold(let details)):
    [
      "ready", details.geometry, "-", "\(details.defaultEvaluations) (1…\(details.maximumEvaluations))", "-",
      String(details.sha256.prefix(12)),
    ]
  }
}

private func sessionTable(_ sessions: [SessionStatus]) -> String {
  var table = Table(["SESSION", "MODEL", "FORMAT", "WAITS FOR", "DONE", "CREDIT", "AGE"])
  for session in sessions {
    table.append([
      session.session, session.model, session.format, session.phase.rawValue,
      session.total == 0 ? "\(session.done)" : "\(session.done)/\(session.total)",
      "\(session.creditLeft)", "\(fixed(Double(session.ageMilliseconds) / 1000)) s",
    ])
  }
  return table.text
}
