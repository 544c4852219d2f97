// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowWire

/// Where a stream was when a snapshot of it was taken.
struct SnapshotPlace: Equatable {
  /// The index of the frame that comes next after it.
  let frame: Int
  /// Bytes that it holds; nil until it has been taken.
  var bytes: Int?
}

/// States of a stream that its client can come back to.
extension Session {
  mutating func takeSnapshot(_ id: String?) -> [SessionAction] {
    do throws(WireError) {
      try checkIsVideo("snapshot")
      guard snapshots.count < Self.snapshotLimit else {
        throw WireError(
          .cacheBudget,
          "the session \"\(name)\" has \(snapshots.count) snapshots, which is the limit; open a session from one of them",
          retryable: false)
      }
    } catch {
      return [.send(.error(Failure(session: name, error)), id: id, body: nil)]
    }
    snapshotsTaken += 1
    let snapshot = "\(name)-\(snapshotsTaken)"
    snapshots[snapshot] = SnapshotPlace(frame: issued)
    return [.snapshot(snapshot, id: id)]
  }

  mutating func snapshotTaken(
    _ snapshot: String, _ bytes: Int, _ id: String?, _ now: Duration
  ) -> [SessionAction] {
    guard let place = snapshots[snapshot] else { return [] }
    snapshots[snapshot]?.bytes = bytes
    lastSent = now
    let taken = SnapshotTaken(session: name, snapshot: snapshot, frame: place.frame, bytes: bytes)
    return [.send(.snapshot(taken), id: id, body: nil)]
  }

  mutating func rewind(_ wish: RewindRequest, _ id: String?, _ now: Duration) -> [SessionAction] {
    do throws(WireError) {
      try checkIsVideo("rewind")
      guard snapshots[wish.snapshot] != nil else {
        throw WireError(
          .notFound, "the session \"\(name)\" has no snapshot \"\(wish.snapshot)\"; take one with snapshot",
          field: "snapshot")
      }
    } catch {
      return [.send(.error(Failure(session: name, error)), id: id, body: nil)]
    }
    lastSent = now
    // The seed and a list of actions do not make such a stream once more.
    log = nil
    let reply = ControlAcknowledgement(session: name, number: wish.number, outcome: .applied(frame: issued))
    return [.rewind(wish.snapshot), .send(.controlAcknowledged(reply), id: id, body: nil)]
  }

  /// Bytes that the stream and its snapshots hold, those that are being taken included.
  var cacheBytes: Int {
    guard case .video(let plan)? = plan else { return 0 }
    let each = plan.model.bytesPerStream
    return snapshots.values.reduce(each) { $0 + ($1.bytes ?? each) }
  }

  private func checkIsVideo(_ operation: String) throws(WireError) {
    guard stage == .streaming, case .video? = plan else {
      throw WireError(
        .conflict,
        isOpen
          ? "\(operation) is for streams of video that are being made; open one"
          : "the session \"\(name)\" is not open yet; wait for opened", field: "sid")
    }
  }
}
