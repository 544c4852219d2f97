// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Synchronization

/// What became of a recording.
enum RecordingEvent: Sendable {
  /// Its file is open.
  case begun
  /// It cannot be made.
  case refused(WireError)
  /// It ended before its stream.
  case broken(WireError)
  /// It is in its place, if it has any bytes, or is not, and why.
  case finished(Result<RecordedFile?, WireError>)
}

/// The thread that writes recordings, so that nobody else waits for a disk.
final class RecordWorker: Sendable {
  /// What the thread can be told.
  enum Command: Sendable {
    /// Open the file of a session's recording.
    case begin(session: String, RecordWish)
    /// Append the body of a message.
    case write(session: String, [UInt8])
    /// The disk is too slow for the session's stream: keep what is there.
    case overtaken(session: String)
    /// Put the file in its place.
    case finish(session: String)
    /// Put all files in their places and return.
    case stop
  }

  private let commands: Mailbox<Command>
  private let waiting: WaitingBytes
  private let byteLimit: Int
  private let thread: OwnThread

  /// Starts the thread; what it has to tell goes to `events`.
  ///
  /// - Parameters:
  ///   - byteLimit: how many bytes of all recordings may wait for the disk.
  init(
    _ folder: RecordingFolder, byteLimit: Int, commands: Mailbox<Command>, events: Mailbox<WorkerEvent>
  ) {
    self.commands = commands
    self.byteLimit = byteLimit
    let waiting = WaitingBytes()
    self.waiting = waiting
    thread = OwnThread {
      var bench = RecordingBench(folder: folder, events: events, waiting: waiting)
      bench.run(commands)
    }
  }

  /// Opens a recording; `begun` or `refused` follows.
  func begin(_ session: String, _ wish: RecordWish) { commands.post(.begin(session: session, wish)) }

  /// Appends bytes; `broken` follows if that cannot be done.
  ///
  /// - Returns: false if too much waits for the disk, and the recording ends here.
  func write(_ session: String, _ body: [UInt8]) -> Bool {
    guard waiting.add(body.count, limit: byteLimit) else {
      commands.post(.overtaken(session: session))
      return false
    }
    commands.post(.write(session: session, body))
    return true
  }

  /// Puts a recording in its place; `finished` follows.
  func finish(_ session: String) { commands.post(.finish(session: session)) }

  /// Finishes all recordings and waits for the thread's end.
  func stop() {
    commands.post(.stop)
    thread.join()
  }
}

/// How many bytes wait for the disk.
private final class WaitingBytes: Sendable {
  private let count = Atomic<Int>(0)

  /// Adds some unless that would be too many; only one thread adds.
  func add(_ more: Int, limit: Int) -> Bool {
    guard count.load(ordering: .relaxed) + more <= limit else { return false }
    count.wrappingAdd(more, ordering: .relaxed)
    return true
  }

  func remove(_ some: Int) { count.wrappingSubtract(some, ordering: .relaxed) }
}

/// The files of all recordings; lives in the thread that writes them.
private struct RecordingBench {
  let folder: RecordingFolder
  let events: Mailbox<WorkerEvent>
  let waiting: WaitingBytes
  var files: [String: RecordingFile] = [:]

  mutating func run(_ commands: Mailbox<RecordWorker.Command>) {
    while true {
      for command in commands.waitAndTake() {
        if case .stop = command {
          for session in files.keys { finish(session) }
          return
        }
        obey(command)
      }
    }
  }

  private mutating func obey(_ command: RecordWorker.Command) {
    switch command {
    case .begin(let session, let wish): begin(session, wish)
    case .write(let session, let body): write(session, body)
    case .overtaken(let session):
      guard let file = files[session] else { return }
      tell(session, .broken(file.breakOff("the disk is slower than the stream")))
    case .finish(let session): finish(session)
    case .stop: break
    }
  }

  private mutating func begin(_ session: String, _ wish: RecordWish) {
    do throws(WireError) {
      files[session] = try folder.create(wish)
      tell(session, .begun)
    } catch {
      tell(session, .refused(error))
    }
  }

  private func write(_ session: String, _ body: [UInt8]) {
    defer { waiting.remove(body.count) }
    do throws(WireError) {
      try files[session]?.write(body)
    } catch {
      tell(session, .broken(error))
    }
  }

  private mutating func finish(_ session: String) {
    guard let file = files.removeValue(forKey: session) else { return }
    do throws(WireError) {
      tell(session, .finished(.success(try file.finish())))
    } catch {
      tell(session, .finished(.failure(error)))
    }
  }

  private func tell(_ session: String, _ event: RecordingEvent) { events.post(.recording(session, event)) }
}
