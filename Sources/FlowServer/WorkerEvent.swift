// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What the other threads tell the thread of the sockets.
enum WorkerEvent: Sendable {
  /// A model is loaded, or is not, and why.
  case model(String, Result<ServedModelDescription, WireError>)
  /// Something happened to a session.
  case session(String, SessionEvent)
  /// Something happened to the recording of a session.
  case recording(String, RecordingEvent)
  /// The list of users has been read again.
  case users(UserTable)
  /// The compute thread is rid of a session's stream.
  case forgotten(String)
  /// Somebody read the configuration again; nil keeps the old one, which the new was worse than.
  case reconfigure(ServerConfiguration?)
  /// Somebody wants the status in the log.
  case logStatus
  /// Somebody asked the daemon to stop: `drain` first, at once if it has been asked before.
  case stop(isUrgent: Bool)
}
