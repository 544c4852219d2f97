// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowWire

/// Decides which streams advance, and together with which; lives in the compute thread.
///
/// The stream that has had the least of the thread's time comes next. Streams of one video model advance together and
/// share what it takes; a batch of points is worked on for a bounded time and goes on when its turn comes again. So
/// nobody waits for longer than a frame of every other model and a budget of every other stream of points.
struct ComputeScheduler {
  private enum Kind {
    case video(any VideoStream, of: any VideoModel, steps: Int)
    case points(any PointStream)
  }

  private struct Stream {
    var kind: Kind
    /// States that the stream can go back to.
    var snapshots: [String: any VideoStream] = [:]
    /// Time that it has had, as far as that decides whose turn it is.
    var served: Duration
    /// Time that the batch of points at hand has taken.
    var spent = Duration.zero

    /// What streams that advance together have in common; nil for points.
    var videoKey: VideoKey? {
      if case .video(_, let model, let steps) = kind {
        VideoKey(model: ObjectIdentifier(model), steps: steps)
      } else {
        nil
      }
    }
  }

  private struct VideoKey: Equatable {
    let model: ObjectIdentifier
    let steps: Int
  }

  private struct Job {
    /// What is to be done with a stream.
    enum Work {
      case advance(action: Int)
      case snapshot(String, id: String?)
      case rewind(String)
    }

    let session: String
    let work: Work

    var action: Int? { if case .advance(let action) = work { action } else { nil } }
    var isRewind: Bool { if case .rewind = work { true } else { false } }
  }

  /// How long a batch of points is worked on at a time.
  static let pointBudget = Duration.milliseconds(5)

  private let catalogue: any ModelCatalogue
  private let events: Mailbox<WorkerEvent>
  private let watch: StepWatch
  private let pulse: ComputePulse
  private var models: [String: ServedModel] = [:]
  private var streams: [String: Stream] = [:]
  /// Frames and batches of points that are wanted, in the order in which they were asked for.
  private var jobs: [Job] = []
  /// What the stream whose turn it was last had been served: who comes, or comes back, has no claim to more.
  private var clock = Duration.zero
  private var isStopped = false

  init(
    catalogue: any ModelCatalogue, events: Mailbox<WorkerEvent>, watch: StepWatch, pulse: ComputePulse
  ) {
    self.catalogue = catalogue
    self.events = events
    self.watch = watch
    self.pulse = pulse
  }

  mutating func run(_ commands: Mailbox<ComputeWorker.Command>) {
    while !isStopped {
      if jobs.isEmpty { pulse.rest() }
      for command in jobs.isEmpty ? commands.waitAndTake() : commands.take() { obey(command) }
      pulse.beat()
      if !isStopped, !jobs.isEmpty { advance() }
    }
  }

  private mutating func obey(_ command: ComputeWorker.Command) {
    pulse.beat()
    switch command {
    case .load(let name): load(name, anew: false)
    case .reload(let name): load(name, anew: true)
    case .unload(let name): models[name] = nil
    case .begin(let session, let model, let beginning): begin(session, model, beginning)
    case .generate(let session, let action): want(Job(session: session, work: .advance(action: action)))
    case .snapshot(let session, let name, let id): want(Job(session: session, work: .snapshot(name, id: id)))
    case .rewind(let session, let name): want(Job(session: session, work: .rewind(name)))
    case .forget(let session):
      forget(session)
      watch.forgotten(session)
      events.post(.forgotten(session))
    case .stop: isStopped = true
    }
  }

  private mutating func begin(
    _ session: String, _ model: ServedModelDescription, _ beginning: StreamBeginning
  ) {
    switch (models[model.name], beginning) {
    case (_, .snapshot(let snapshot, let seed, let steps)): fork(session, model, snapshot, seed, steps)
    case (.video(let loaded)?, .video(let options)) where .video(loaded.description) == model:
      add(session, .video(loaded.makeStream(options), of: loaded, steps: options.steps))
    case (.manifold(let loaded)?, .points(let options)) where .manifold(loaded.description) == model:
      add(session, .points(loaded.makeStream(options)))
    default:
      // It was loaded anew after the session's plan was made, and is another one now.
      let message = "the model \(model.name) has changed while the session was opened; open it again"
      events.post(.session(session, .generatorFailed(WireError(.conflict, message, retryable: true))))
    }
  }

  private mutating func add(_ session: String, _ kind: Kind) {
    streams[session] = Stream(kind: kind, served: clock)
  }

  /// Begins a stream at a snapshot of another one, which must be of the model that the session's plan was made for.
  private mutating func fork(
    _ session: String, _ planned: ServedModelDescription, _ snapshot: String, _ seed: UInt64?, _ steps: Int
  ) {
    guard let owner = streams.values.first(where: { $0.snapshots[snapshot] != nil }),
      let state = owner.snapshots[snapshot]?.copy(), case .video(_, let model, _) = owner.kind,
      .video(model.description) == planned
    else {
      let message =
        "the session that the snapshot \(snapshot) was taken of has ended, or its model been loaded anew; take another "
        + "snapshot"
      let error = WireError(.gone, message, field: "from.snapshot")
      return events.post(.session(session, .generatorFailed(error)))
    }
    if let seed { state.reseed(seed) }
    add(session, .video(state, of: model, steps: steps))
  }

  private mutating func want(_ job: Job) {
    // A stream that failed is gone although its session has not heard of it yet.
    guard let stream = streams[job.session] else { return }
    let last = jobs.lastIndex { $0.session == job.session }
    if let last, job.isRewind, jobs[last].isRewind {
      // Where a stream goes back to twice at once, the last word counts.
      jobs[last] = job
      return
    }
    if last == nil { streams[job.session]?.served = max(stream.served, clock) }
    jobs.append(job)
  }

  private mutating func load(_ name: String, anew: Bool) {
    if !anew, let model = models[name] { return events.post(.model(name, .success(model.description))) }
    // Nobody waits for it any more, and the daemon waits for this thread.
    if watch.isStopping { return }
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

  /// Advances the stream that has been served least; of equals, the one that asked first.
  private mutating func advance() {
    var chosen = jobs[0]
    for job in jobs where served(job) < served(chosen) { chosen = job }
    clock = served(chosen)
    switch streams[chosen.session]?.kind {
    case .points(let stream)?: advance(stream, chosen.session)
    case .video?:
      if !settle(chosen.session) { advance(takeBatch(of: chosen.session)) }
    case nil: preconditionFailure("ComputeScheduler: a job of a stream that was not begun")
    }
  }

  /// Does the oldest job of a stream if it computes nothing.
  private mutating func settle(_ session: String) -> Bool {
    guard let index = jobs.firstIndex(where: { $0.session == session }), jobs[index].action == nil,
      case .video(let stream, let model, let steps)? = streams[session]?.kind
    else { return false }
    // A copy of a cache takes time as well, which others shall have too.
    let start = ContinuousClock.now
    defer { streams[session]?.served += start.duration(to: .now) }
    switch jobs.remove(at: index).work {
    case .snapshot(let name, let id):
      let copy = stream.copy()
      streams[session]?.snapshots[name] = copy
      events.post(.session(session, .snapshotTaken(name, bytes: copy.byteCount, id: id)))
    case .rewind(let name):
      if let state = streams[session]?.snapshots[name]?.copy() {
        streams[session]?.kind = .video(state, of: model, steps: steps)
      }
    case .advance: break
    }
    return true
  }

  private func served(_ job: Job) -> Duration { streams[job.session]?.served ?? .zero }

  private mutating func serve(_ session: String, _ time: Duration) {
    streams[session]?.served += time
    streams[session]?.spent += time
  }

  // MARK: - Points

  private mutating func advance(_ stream: any PointStream, _ session: String) {
    let start = ContinuousClock.now, cancellation = watch.begin([session])
    defer { watch.end() }
    do throws(AdvanceError) {
      let batch = try stream.advance(for: Self.pointBudget, unless: cancellation)
      serve(session, start.duration(to: .now))
      if let batch { finish(batch, session) }
    } catch {
      fail(session, error)
    }
  }

  private mutating func finish(_ batch: PointBatch, _ session: String) {
    let milliseconds = Double(streams[session]?.spent.microseconds ?? 0) / 1000
    streams[session]?.spent = .zero
    if let index = jobs.firstIndex(where: { $0.session == session }) { jobs.remove(at: index) }
    events.post(.session(session, .generated(.points(batch), milliseconds: milliseconds)))
  }

  // MARK: - Frames

  /// The oldest job of a session and, of the same model and number of steps, the oldest of every other session.
  ///
  /// Images of a batch come together, so that one of few steps would wait for those of many.
  private mutating func takeBatch(of session: String) -> [Job] {
    let streams = streams, key = streams[session]?.videoKey
    var taken: Set<String> = []
    var batch: [Job] = []
    jobs.removeAll { job in
      // The oldest of a session decides: what comes before a snapshot must not come after it.
      guard let other = streams[job.session]?.videoKey, other == key, taken.insert(job.session).inserted,
        job.action != nil
      else {
        return false
      }
      batch.append(job)
      return true
    }
    return batch
  }

  private mutating func advance(_ batch: [Job]) {
    guard let first = batch.first, case .video(_, let model, _)? = streams[first.session]?.kind
    else { preconditionFailure("ComputeScheduler: a frame of a stream that was not begun") }
    let start = ContinuousClock.now, cancellation = watch.begin(Set(batch.map(\.session)))
    do throws(AdvanceError) {
      let images = try model.advance(
        batch.map(videoStream), actions: batch.compactMap(\.action), unless: cancellation)
      watch.end()
      let time = start.duration(to: .now)
      for (job, image) in zip(batch, images) {
        serve(job.session, time / batch.count)
        events.post(
          .session(job.session, .generated(.image(image), milliseconds: Double(time.microseconds) / 1000)))
      }
    } catch {
      watch.end()
      // One stream's trouble must not end the others: alone, only the guilty one fails again.
      guard batch.count > 1, error != .cancelled else { return fail(first.session, error) }
      for job in batch { advance([job]) }
    }
  }

  private func videoStream(_ job: Job) -> any VideoStream {
    guard case .video(let stream, _, _)? = streams[job.session]?.kind else {
      preconditionFailure("ComputeScheduler: a frame of a stream that was not begun")
    }
    return stream
  }

  // MARK: - Ends

  private mutating func forget(_ session: String) {
    streams[session] = nil
    jobs.removeAll { $0.session == session }
  }

  private mutating func fail(_ session: String, _ error: AdvanceError) {
    // A step is cancelled when all its sessions are to be forgotten, which the next commands say.
    guard case .numerical(let place) = error else { return }
    forget(session)
    let message = "the network's output at \(place) is not finite; open the stream with another seed"
    events.post(.session(session, .generatorFailed(WireError(.numerical, message))))
  }
}

/// Refuses a model of which no stream could be opened.
private func check(_ model: ServedModelDescription) throws(ImpossibleModel) {
  switch model {
  case .video(let model):
    guard model.actions.indices.contains(model.defaultAction), model.width > 0, model.height > 0,
      model.maximumSteps > 0, (1...model.maximumSteps).contains(model.defaultSteps)
    else {
      throw ImpossibleModel(
        description: "its size, default action or default steps are not possible; correct model.json")
    }
  case .manifold(let model):
    guard model.maximumEvaluations > 0, (1...model.maximumEvaluations).contains(model.defaultEvaluations),
      model.coordinates.count == model.geometry.ambient
    else {
      throw ImpossibleModel(
        description: "its coordinates or default evaluations are not possible; correct manifold.json")
    }
  }
}

/// A loader gave out a model that nobody can use.
private struct ImpossibleModel: Error, CustomStringConvertible {
  let description: String
}

extension Duration {
  /// Whole microseconds, rounded down.
  var microseconds: Int {
    Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
  }
}
