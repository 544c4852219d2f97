// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// Sessions that wait for a place.
extension Session {
  /// Tells the client its place when that has changed; a session that has lost its place before it was open is queued, too.
  mutating func queued(at position: Int, _ now: Duration) -> [SessionAction] {
    guard !isOpen else { return [] }
    stage = .queued
    guard position != self.position else { return [] }
    self.position = position
    return [sayPosition(now)]
  }

  mutating func sayPosition(_ now: Duration) -> SessionAction {
    lastSent = now
    return .send(.queued(Queued(session: name, position: position)), id: openID, body: nil)
  }

  mutating func admitted() -> [SessionAction] {
    guard stage == .queued else { return [] }
    stage = .waitingForModel
    return []
  }
}
