// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ
internal import FlyingFox
internal import FlyingSocks
internal import FoundationEssentials
internal import Glibc
internal import Logging

/// Tells health and metrics over HTTP, on Swift's own threads, which nothing else of the daemon uses.
///
/// It reads a ``StatusBoard`` and nothing else, so that it answers whatever the daemon is at.
final class HealthServer: Sendable {
  /// Where it listens, port 0 replaced by the one that was taken.
  let address: String
  private let task: Task<Void, Never>

  /// Listens at `address`.
  init(_ address: String, _ board: StatusBoard, _ logger: Logger) throws(StartError) {
    let started: Mailbox<Result<String, StartError>>
    do throws(ZeroMQError) {
      started = try Mailbox()
    } catch {
      throw StartError(.unavailable, "\(error)")
    }
    let server = try makeServer(address)
    task = Task.detached { await serve(server, board, address, started, logger) }
    self.address = try started.waitAndTake()[0].get()
  }

  deinit { task.cancel() }
}

private func makeServer(_ address: String) throws(StartError) -> HTTPServer {
  guard let place = LoopbackAddress(address) else {
    throw StartError(.configuration, "http is \"\(address)\"; give 127.0.0.1:PORT, [::1]:PORT, or off")
  }
  do {
    let server =
      place.isVersion6
      ? HTTPServer(address: try .inet6(ip6: place.host, port: place.port), logger: .disabled)
      : HTTPServer(address: try .inet(ip4: place.host, port: place.port), logger: .disabled)
    return server
  } catch {
    throw StartError(.configuration, "http is \"\(address)\", which is no address: \(error)")
  }
}

/// Serves until the task is cancelled.
private func serve(
  _ server: HTTPServer, _ board: StatusBoard, _ address: String,
  _ started: Mailbox<Result<String, StartError>>, _ logger: Logger
) async {
  await server.appendRoute("GET /livez") { _ in liveness(board) }
  await server.appendRoute("GET /readyz") { _ in readiness(board) }
  await server.appendRoute("GET /metrics") { _ in metrics(board) }
  await server.appendRoute("GET /status") { _ in status(board) }
  await withTaskGroup(of: Void.self) { group in
    group.addTask {
      do {
        try await server.run()
      } catch {
        started.post(.failure(startError(error, address)))
        if !Task.isCancelled { logger.error("http is not served", metadata: ["reason": "\(error)"]) }
      }
    }
    group.addTask {
      do {
        try await server.waitUntilListening()
        started.post(.success(text(await server.listeningAddress, address)))
      } catch {
        started.post(.failure(StartError(.unavailable, "cannot listen at http \(address): \(error)")))
      }
    }
  }
}

private func startError(_ error: any Error, _ address: String) -> StartError {
  if case SocketError.failed(_, let code, let message) = error {
    let kind = code == EADDRINUSE ? StartError.Kind.busy : .unavailable
    return StartError(kind, "cannot listen at http \(address): \(message); choose another --http")
  }
  return StartError(.unavailable, "cannot listen at http \(address): \(error)")
}

private func text(_ listening: FlyingSocks.Socket.Address?, _ address: String) -> String {
  switch listening {
  case .ip4(let host, let port)?: "\(host):\(port)"
  case .ip6(let host, let port)?: "[\(host)]:\(port)"
  case .unix?, nil: address
  }
}

// MARK: - Answers

private func liveness(_ board: StatusBoard) -> HTTPResponse {
  guard let snapshot = board.snapshot else { return json(.serviceUnavailable, #"{"code":"starting"}"#) }
  let age = snapshot.time.duration(to: .now)
  guard age < StatusBoard.patience else {
    return json(.serviceUnavailable, #"{"code":"hung","seconds":\#(age.components.seconds)}"#)
  }
  return json(.ok, #"{"code":"live"}"#)
}

private func readiness(_ board: StatusBoard) -> HTTPResponse {
  guard let readiness = board.snapshot?.readiness else {
    return json(.serviceUnavailable, #"{"code":"starting"}"#)
  }
  return json(readiness == .ready ? .ok : .serviceUnavailable, bytes: readiness.json.serialised())
}

private func metrics(_ board: StatusBoard) -> HTTPResponse {
  guard var metrics = board.snapshot?.metrics else {
    return json(.serviceUnavailable, #"{"code":"starting"}"#)
  }
  metrics.set(.residentBytes, [:], Double(MachineMemory.resident()))
  return HTTPResponse(
    statusCode: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
    body: Data(metrics.exposition().utf8))
}

private func status(_ board: StatusBoard) -> HTTPResponse {
  guard let status = board.snapshot?.status else { return json(.serviceUnavailable, #"{"code":"starting"}"#) }
  return json(.ok, bytes: JSONValue.object(status.json).serialised())
}

private func json(_ code: HTTPStatusCode, _ text: String) -> HTTPResponse {
  json(code, bytes: Array(text.utf8))
}

private func json(_ code: HTTPStatusCode, bytes: [UInt8]) -> HTTPResponse {
  HTTPResponse(statusCode: code, headers: [.contentType: "application/json"], body: Data(bytes))
}
