// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Logging

/// A recording as the thread of the sockets knows it.
struct RecordingSeat {
  /// Whether bodies are handed on; not before the file is open, nor after it broke.
  var isWriting = false
  /// The index of the message whose body comes next; what is sent again is not recorded again.
  var nextSequence = 0
  /// Whose the session was, once it has ended.
  var end: StreamEnd?
  /// Whom to tell the end when the file is in its place, and in answer to what.
  var waiting: [(id: String?, peer: Peer)] = []
  /// Who holds the session, or held it last.
  var peer: Peer
}

extension DaemonLoop {
  /// Whether a request wants a recording that this daemon does not make.
  func checkRecording(_ open: OpenRequest) throws(WireError) {
    guard open.record != nil, recorder == nil else { return }
    throw WireError(
      .forbidden,
      "this server keeps no recordings; leave record out, or ask its operator to start flowd with --recordings",
      field: "record")
  }

  /// Has the file of a session's recording opened, if one is wanted; the session waits until it is.
  mutating func beginRecording(_ session: String, _ open: OpenRequest, _ peer: Peer) {
    guard let wish = open.record, let recorder else { return }
    recordings[session] = RecordingSeat(peer: peer)
    recorder.begin(session, wish)
  }

  /// Whether an event must wait until the file of a session's recording is open: nothing may be sent before.
  func waitsForFile(_ session: String, _ event: SessionEvent) -> Bool {
    guard case .modelReady = event else { return false }
    return recordings[session]?.isWriting == false
  }

  /// Hands the body of a message on to the disk.
  mutating func record(_ session: String, _ reply: Reply, _ body: [UInt8]?) {
    guard let body, let sequence = reply.sequence, let recorder, let recording = recordings[session],
      recording.isWriting, sequence >= recording.nextSequence
    else { return }
    recordings[session]?.nextSequence = sequence + 1
    recordings[session]?.isWriting = recorder.write(session, body)
  }

  /// Holds back the end of a session until its recording is in its place. False if there is nothing to wait for.
  mutating func holdEnd(_ reply: Reply, _ id: String?, _ peer: Peer) -> Bool {
    guard case .end(let end) = reply, let recording = recordings[end.session] else { return false }
    // Who asks again and again while a disk is slow gets fewer answers, not more memory.
    if recording.waiting.count < 64 { recordings[end.session]?.waiting.append((id, peer)) }
    return true
  }

  /// Has the recording of a session that ended put in its place.
  mutating func finishRecording(_ end: StreamEnd) {
    guard let recording = recordings[end.session], recording.end == nil else { return }
    recordings[end.session]?.isWriting = false
    recordings[end.session]?.end = end
    recorder?.finish(end.session)
  }

  /// Takes what the thread that writes has to tell.
  mutating func take(_ session: String, _ event: RecordingEvent) {
    switch event {
    case .begun:
      recordings[session]?.isWriting = true
      guard let waiting = seats[session]?.session, waiting.stage == .waitingForModel else { return }
      seatAtModel(session, waiting.request.model)
    case .refused(let error):
      let recording = recordings.removeValue(forKey: session)
      handle(session, .failed(error))
      if let recording { tellEnd(recording, nil) }
    case .broken(let error):
      recordings[session]?.isWriting = false
      complain(session, error)
    case .finished(.success(let file)):
      if let recording = recordings.removeValue(forKey: session) { tellEnd(recording, file) }
    case .finished(.failure(let error)):
      complain(session, error)
      if let recording = recordings.removeValue(forKey: session) { tellEnd(recording, nil) }
    }
  }

  /// Waits until all recordings are in their places, and says the last words that waited for them.
  ///
  /// Only when nothing is served any more: this waits for the disk.
  mutating func closeRecordings() {
    recorder?.stop()
    for case .recording(let session, let event) in events.take() { take(session, event) }
  }

  private mutating func complain(_ session: String, _ error: WireError) {
    // Not the message, which quotes the path that the client chose.
    logger.warning("recording broken", metadata: ["sid": "\(session)", "code": "\(error.code.rawValue)"])
    guard let peer = recordings[session]?.peer else { return }
    send(.error(Failure(session: session, error)), nil, to: peer)
  }

  /// Says the last word on a session with what became of its recording, also to those who will ask again.
  private mutating func tellEnd(_ recording: RecordingSeat, _ file: RecordedFile?) {
    guard var end = recording.end else { return }
    end.recorded = file
    if let index = ended.lastIndex(where: { $0.end.session == end.session }) { ended[index].end = end }
    // Its client came back for the rest meanwhile.
    seats[end.session]?.session.recorded = file
    for (id, peer) in recording.waiting { send(.end(end), id, to: peer) }
  }
}

extension Reply {
  /// The index of a message of a stream.
  var sequence: Int? {
    switch self {
    case .frame(let header): header.sequence
    case .points(let header): header.sequence
    case .media(let header): header.sequence
    default: nil
    }
  }
}
