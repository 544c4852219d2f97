// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What the compute and the encoder thread tell the thread of the sockets.
enum WorkerEvent: Sendable {
  /// A model is loaded, or is not, and why.
  case model(String, Result<ServedModelDescription, WireError>)
  /// Something happened to a session.
  case session(String, SessionEvent)
  /// Somebody asked the daemon to stop: `drain` first, at once if it has been asked before.
  case stop(isUrgent: Bool)
}
