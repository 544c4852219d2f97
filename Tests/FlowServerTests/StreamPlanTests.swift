// SPDX-License-Identifier: Apache-2.0

import FlowVideo
import FlowWire
import Testing

@testable import FlowServer

@Suite("Plans of streams")
struct StreamPlanTests {
  private let model = PatternModel("large", width: 832, height: 480).description

  private func plan(_ request: OpenRequest, seed: UInt64 = 0) throws(WireError) -> StreamPlan {
    guard case .video(let plan) = try SessionPlan(request, model: .video(model), seed: seed) else {
      preconditionFailure("a video model's plan is of another kind")
    }
    return plan
  }

  @Test("what a request leaves open is the model's")
  func defaults() throws {
    let plan = try plan(OpenRequest(model: "large"), seed: 5)
    #expect(plan.seed == 5 && plan.steps == 2 && plan.frames == 0)
    #expect(plan.settings.rate.numerator == 35 && plan.settings.rate.denominator == 1)
  }

  @Test("credit is bounded by the memory that its frames would take", arguments: [(1, 224), (4, 14), (9, 2)])
  func creditLimit(scale: Int, limit: Int) throws {
    func plan(credit: Int) throws(WireError) -> StreamPlan {
      let format = try StreamFormat(.rgb24, scale: scale)
      return try self.plan(OpenRequest(model: "large", credit: credit, format: format))
    }
    #expect(try plan(credit: limit).creditLimit == limit)
    let error = #expect(throws: WireError.self) { try plan(credit: limit + 1) }
    #expect(error?.field == "credit")
  }

  @Test("a picture larger than the encoder takes is refused by the field to blame")
  func tooLarge() throws {
    let open = try OpenRequest(model: "large", credit: 1, format: StreamFormat(.png, scale: 10))
    let error = #expect(throws: WireError.self) { try plan(open) }
    #expect(error?.code == .badRequest && error?.field == "format")
  }

  @Test(
    "a rate that is no fraction of small numbers is taken as the nearest",
    arguments: [(29.97, 2997, 100), (0.01, 1, 100)])
  func rates(rate: Double, numerator: Int, denominator: Int) throws {
    let open = try OpenRequest(model: "large", framesPerSecond: rate)
    let plan = try plan(open)
    #expect(plan.settings.rate.numerator == numerator && plan.settings.rate.denominator == denominator)
  }
}
