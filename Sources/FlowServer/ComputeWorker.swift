// SPDX-License-Identifier: Apache-2.0

/// The thread on which all models live and all frames and points are generated.
final class ComputeWorker: Sendable {
  /// What the thread can be told.
  enum Command: Sendable {
    /// Load a model.
    case load(String)
    /// Load a model anew; the one that is there stays if that fails, and with streams that have begun.
    case reload(String)
    /// Let go of a model.
    case unload(String)
    /// Begin a stream of a model that was loaded when the session's plan was made.
    case begin(session: String, model: ServedModelDescription, StreamBeginning)
    /// Generate the next frame, or the next points, of a stream.
    case generate(session: String, action: Int)
    /// Keep the state that a stream has after all frames that were asked for so far; `id` names the request for it.
    case snapshot(session: String, String, id: String?)
    /// Let a stream go on from a state that was kept, after all frames that were asked for so far.
    case rewind(session: String, String)
    /// Forget a stream.
    case forget(session: String)
    /// Return.
    case stop
  }

  private let commands: Mailbox<Command>
  private let watch: StepWatch
  private let thread: OwnThread

  /// Starts the thread; what it has to tell goes to `events`.
  init(
    catalogue: any ModelCatalogue, commands: Mailbox<Command>, events: Mailbox<WorkerEvent>,
    pulse: ComputePulse
  ) {
    let watch = StepWatch()
    self.commands = commands
    self.watch = watch
    thread = OwnThread {
      var scheduler = ComputeScheduler(catalogue: catalogue, events: events, watch: watch, pulse: pulse)
      scheduler.run(commands)
    }
  }

  /// Tells the thread something.
  func post(_ command: Command) {
    if case .forget(let session) = command { watch.forget(session) }
    commands.post(command)
  }

  /// Ends the thread after the batch or the model that it is at, and waits for it.
  func stop() {
    watch.stop()
    commands.post(.stop)
    thread.join()
  }
}
