// SPDX-License-Identifier: Apache-2.0

/// The thread on which all models live and all frames and points are generated.
final class ComputeWorker: Sendable {
  /// What the thread can be told.
  enum Command: Sendable {
    /// Load a model.
    case load(String)
    /// Begin a stream of a model that is loaded.
    case begin(session: String, model: String, StreamBeginning)
    /// Generate the next frame, or the next points, of a stream.
    case generate(session: String, action: Int)
    /// Forget a stream.
    case forget(session: String)
    /// Return.
    case stop
  }

  private let commands: Mailbox<Command>
  private let thread: OwnThread

  /// Starts the thread; what it has to tell goes to `events`.
  init(
    catalogue: any ModelCatalogue, commands: Mailbox<Command>, events: Mailbox<WorkerEvent>,
    pulse: ComputePulse
  ) {
    self.commands = commands
    thread = OwnThread {
      var scheduler = ComputeScheduler(catalogue: catalogue, events: events, pulse: pulse)
      scheduler.run(commands)
    }
  }

  /// Tells the thread something.
  func post(_ command: Command) { commands.post(command) }

  /// Ends the thread after the batch that it is at, and waits for it.
  func stop() {
    commands.post(.stop)
    thread.join()
  }
}
