// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowWire

/// The thread on which all models live and all frames are generated.
final class ComputeWorker: Sendable {
  /// What the thread can be told.
  enum Command: Sendable {
    /// Load a model.
    case load(String)
    /// Begin a stream of a model that is loaded.
    case begin(session: String, model: String, StreamOptions)
    /// Generate the next frame of a stream.
    case generate(session: String, action: Int)
    /// Forget a stream.
    case forget(session: String)
    /// Return.
    case stop
  }

  private let commands: Mailbox<Command>
  private let thread: OwnThread

  /// Starts the thread; what it has to tell goes to `events`.
  init(catalogue: any ModelCatalogue, commands: Mailbox<Command>, events: Mailbox<WorkerEvent>) {
    self.commands = commands
    thread = OwnThread {
      var scheduler = ComputeScheduler(catalogue: catalogue, events: events)
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

/// Decides which streams advance together; lives in the compute thread.
struct ComputeScheduler {
  private struct Stream {
    let model: String
    let steps: Int
    let stream: any VideoStream
  }

  private struct Job {
    let session: String
    let action: Int
  }

  private let catalogue: any ModelCatalogue
  private let events: Mailbox<WorkerEvent>
  private var models: [String: any VideoModel] = [:]
  private var streams: [String: Stream] = [:]
  /// Frames that are wanted, in the order in which they were asked for.
  private var jobs: [Job] = []
  private var isStopped = false

  init(catalogue: any ModelCatalogue, events: Mailbox<WorkerEvent>) {
    self.catalogue = catalogue
    self.events = events
  }

  mutating func run(_ commands: Mailbox<ComputeWorker.Command>) {
    while !isStopped {
      for command in jobs.isEmpty ? commands.waitAndTake() : commands.take() { obey(command) }
      if !isStopped, !jobs.isEmpty { advance(takeBatch()) }
    }
  }

  private mutating func obey(_ command: ComputeWorker.Command) {
    switch command {
    case .load(let name): load(name)
    case .begin(let session, let model, let options):
      guard let stream = models[model]?.makeStream(options) else {
        preconditionFailure("ComputeScheduler: a stream of \(model), which is not loaded")
      }
      streams[session] = Stream(model: model, steps: options.steps, stream: stream)
    case .generate(let session, let action):
      // A stream that failed is gone although its session has not heard of it yet.
      if streams[session] != nil { jobs.append(Job(session: session, action: action)) }
    case .forget(let session): forget(session)
    case .stop: isStopped = true
    }
  }

  private mutating func load(_ name: String) {
    if let model = models[name] { return events.post(.model(name, .success(model.description))) }
    do {
      let model = try catalogue.load(name)
      try check(model.description)
      models[name] = model
      events.post(.model(name, .success(model.description)))
    } catch {
      events.post(
        .model(name, .failure(WireError(.modelFailed, "the model \(name) cannot be loaded: \(error)"))))
    }
  }

  /// The oldest job and, of the same model and number of steps, the oldest of every other session.
  ///
  /// Images of a batch come together, so that one of few steps would wait for those of many.
  private mutating func takeBatch() -> [Job] {
    let first = streams[jobs[0].session]
    var taken: Set<String> = []
    var batch: [Job] = []
    jobs.removeAll { job in
      let stream = streams[job.session]
      guard stream?.model == first?.model, stream?.steps == first?.steps, taken.insert(job.session).inserted
      else { return false }
      batch.append(job)
      return true
    }
    return batch
  }

  private mutating func advance(_ batch: [Job]) {
    guard let first = batch.first, let name = streams[first.session]?.model, let model = models[name] else {
      preconditionFailure("ComputeScheduler: a frame of a stream that was not begun")
    }
    let start = ContinuousClock.now
    do throws(NumericalError) {
      let advancing = batch.compactMap { streams[$0.session]?.stream }
      let images = try model.advance(advancing, actions: batch.map(\.action))
      let milliseconds = Double(start.duration(to: .now).microseconds) / 1000
      for (job, image) in zip(batch, images) {
        events.post(.session(job.session, .generated(image, milliseconds: milliseconds)))
      }
    } catch {
      // One stream's trouble must not end the others: alone, only the guilty one fails again.
      guard batch.count > 1 else { return fail(first.session, error) }
      for job in batch { advance([job]) }
    }
  }

  private mutating func forget(_ session: String) {
    streams[session] = nil
    jobs.removeAll { $0.session == session }
  }

  private mutating func fail(_ session: String, _ error: NumericalError) {
    forget(session)
    let message = "the network's output at \(error.place) is not finite; open the stream with another seed"
    events.post(.session(session, .generatorFailed(WireError(.numerical, message))))
  }
}

/// Refuses a model of which no stream could be opened.
private func check(_ model: VideoModelDescription) throws(ImpossibleModel) {
  guard model.actions.indices.contains(model.defaultAction), model.width > 0, model.height > 0,
    model.maximumSteps > 0, (1...model.maximumSteps).contains(model.defaultSteps)
  else { throw ImpossibleModel() }
}

/// A loader gave out a model that nobody can use.
private struct ImpossibleModel: Error, CustomStringConvertible {
  let description = "its size, default action or default steps are not possible; correct model.json"
}

extension Duration {
  /// Whole microseconds, rounded down.
  var microseconds: Int {
    Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
  }
}
