// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowTensor
import FlowWire
import Glibc
import Synchronization
import Testing

@testable import FlowServer

@Suite("The compute thread's decisions")
struct ComputeSchedulerTests {
  /// Obeys commands to the last, and returns what was told.
  private func events(
    _ catalogue: any ModelCatalogue, _ commands: [ComputeWorker.Command]
  ) throws -> [WorkerEvent] {
    let told = try Mailbox<WorkerEvent>(), asked = try Mailbox<ComputeWorker.Command>()
    var scheduler = ComputeScheduler(
      catalogue: catalogue, events: told, watch: StepWatch(), pulse: ComputePulse())
    for command in commands + [.stop] { asked.post(command) }
    scheduler.run(asked)
    return told.take()
  }

  @Test(
    "a stream that was planned for a model as it was before it was loaded anew ends with an error that says so"
  )
  func changedModel() throws {
    let planned = ServedModelDescription.video(PatternModel("pattern", width: 32).description)
    let beginning = StreamBeginning.video(StreamOptions(seed: 1, steps: 1))
    let told = try events(
      TestCatalogue(), [.load("pattern"), .begin(session: "s1", model: planned, beginning)])
    guard case .session("s1", .generatorFailed(let error))? = told.last else {
      Issue.record("\(told)")
      return
    }
    #expect(error.code == .conflict && error.retryable && error.message.contains("pattern"))
  }

  @Test("a step that nobody wants is cut short, whether that was said before it began or after")
  func unwantedSteps() {
    let watch = StepWatch()
    let shared = watch.begin(["a", "b"])
    watch.forget("a")
    #expect(!shared.isCancelled)
    watch.forget("b")
    #expect(shared.isCancelled)
    watch.end()
    #expect(watch.begin(["a"]).isCancelled)
    watch.end()
    #expect(!watch.begin(["a", "c"]).isCancelled)
    watch.end()
    watch.forgotten("a")
    #expect(!watch.begin(["a"]).isCancelled)
  }

  @Test("who goes back again and again at once does it once, and others are served")
  func rewinds() throws {
    let copies = Tally()
    let model = ServedModelDescription.video(PatternModel("pattern").description)
    let beginning = StreamBeginning.video(StreamOptions(seed: 1, steps: 1))
    var commands: [ComputeWorker.Command] = [
      .load("pattern"), .begin(session: "a", model: model, beginning),
      .begin(session: "b", model: model, beginning), .snapshot(session: "a", "a-1", id: nil),
    ]
    commands += (0..<1000).map { _ in .rewind(session: "a", "a-1") }
    commands += [.generate(session: "a", action: 0), .generate(session: "b", action: 0)]
    let told = try Mailbox<WorkerEvent>(), asked = try Mailbox<ComputeWorker.Command>()
    // All are there before the thread looks.
    for command in commands { asked.post(command) }
    let worker = ComputeWorker(
      catalogue: CountingCatalogue(copies: copies), commands: asked, events: told, pulse: ComputePulse())
    let start = ContinuousClock.now
    var served: Set<String> = []
    while served != ["a", "b"] {
      try #require(start.duration(to: .now) < .seconds(20))
      for case .session(let name, .generated) in told.waitAndTake() { served.insert(name) }
    }
    worker.stop()
    // That of the snapshot, and that of going back.
    #expect(copies.count.withLock { $0 } == 2)
  }

  @Test("a thread that is to stop loads no further model")
  func stopWhileLoading() throws {
    let gate = Gate(), catalogue = WaitingCatalogue(gate: gate)
    let told = try Mailbox<WorkerEvent>(), asked = try Mailbox<ComputeWorker.Command>()
    for name in ["a", "b", "c"] { asked.post(.load(name)) }
    let watch = StepWatch()
    let thread = OwnThread {
      var scheduler = ComputeScheduler(
        catalogue: catalogue, events: told, watch: watch, pulse: ComputePulse())
      scheduler.run(asked)
    }
    catalogue.awaitFirst()
    watch.stop()
    asked.post(.stop)
    gate.open(3)
    thread.join()
    #expect(catalogue.loads == ["a"])
  }
}

/// A model whose copied streams are counted.
private struct CountingCatalogue: ModelCatalogue {
  let copies: Tally

  func names() -> [String] { ["pattern"] }

  func describe(_ name: String) throws -> ServedModelDescription { try load(name).description }

  func load(_ name: String) throws -> ServedModel { .video(PatternModel(name, copies: copies)) }
}

/// Loads a model when a gate opens, and remembers which it was asked for.
final class WaitingCatalogue: ModelCatalogue {
  private let gate: Gate
  private let asked = Mutex<[String]>([])

  init(gate: Gate) { self.gate = gate }

  var loads: [String] { asked.withLock { $0 } }

  func names() -> [String] { ["a", "b", "c"] }

  func describe(_ name: String) throws -> ServedModelDescription { .video(PatternModel(name).description) }

  func load(_ name: String) throws -> ServedModel {
    asked.withLock { $0.append(name) }
    gate.pass()
    return .video(PatternModel(name))
  }

  /// Waits until a model is being loaded.
  func awaitFirst() { while loads.isEmpty { sched_yield() } }
}
