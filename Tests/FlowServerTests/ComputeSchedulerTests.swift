// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowTensor
import FlowWire
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
}
