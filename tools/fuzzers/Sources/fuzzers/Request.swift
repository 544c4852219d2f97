// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What a client may send: a header, and after a zero byte part 1.
let requestTarget = Target("request", seeds: requestSeeds) { bytes in
  let message: RequestMessage
  do throws(RequestRejection) {
    message = try RequestMessage(parts: parts(bytes, most: 2))
  } catch {
    return check(error)
  }
  let again = try? RequestMessage(parts: message.parts())
  expect(again == message, "a request that is read is written so that it is read as the same")
}

/// A refusal says what is wrong by a known code, and can itself be sent.
private func check(_ rejection: RequestRejection) {
  let error = rejection.error
  expect(WireError.Code.httpStatus[error.code] != nil, "the code \(error.code.rawValue) is of the list")
  expect(!error.message.isEmpty, "an error has a message")
  let reply = ReplyMessage(id: rejection.id, .error(Failure(session: rejection.session, error)))
  expect((try? ReplyMessage(header: reply.header())) == reply, "a refusal is a reply that a client reads")
}

@Sendable private func requestSeeds() throws -> [[UInt8]] {
  let image = try InitialImage(.rgb24, width: 2, height: 1, bytes: [1, 2, 3, 4, 5, 6])
  let start = try StartPoints(count: 1, width: 2, coordinates: [0.5, -1])
  let runs = ActionPlan.runs([try ActionRun("forward", 20), try ActionRun("left", 8)])
  let format = try StreamFormat(.fmp4, crf: 20, gop: 30, scale: 4, filter: .bicubic)
  var kept = try OpenRequest(
    model: "doom", frames: 9, delivery: Delivery(pace: .media, policy: .dropOldest, aheadMilliseconds: 9),
    snapshot: "n1", wantsLog: true)
  kept.record = try RecordWish(path: "days/a.mp4")
  kept.isObserved = true
  let requests: [Request] = [
    .open(kept), .snapshot(session: "s1"),
    .rewind(try RewindRequest(session: "s1", snapshot: "n1", number: 4)),
    .resume(try ResumeRequest(session: "s1", token: "00ff", firstSequence: 5, credit: 9, takesOver: true)),
    .model(try ModelRequest(.reload, "doom")),
    .control(try ControlRequest(session: "s1", flushes: true, pauses: false)),
    .hello(client: "a"), .capabilities(model: "doom"), .models, .status, .ping, .close(session: "s1"),
    .open(try OpenRequest(model: "doom", .plain)),
    .open(
      try OpenRequest(
        model: "doom", seed: .max, frames: 90, steps: 4, credit: 16, framesPerSecond: 29.97, plan: runs,
        format: format, image: image)),
    .open(
      try OpenRequest(
        model: "earth",
        .points(PointsWish(evaluations: 2, batch: 8, startTime: 0.5, wantsTrajectory: true, start: start)))),
    .credit(try CreditRequest(session: "s1", count: 4)),
    .control(try ControlRequest(session: "s1", number: 7, place: .frame(12), plan: .hold("left"))),
    .control(try ControlRequest(session: "s1", plan: runs)),
    .cancel(.session("s1")), .cancel(.request("r1")),
  ]
  return requests.map { request in
    Array(RequestMessage(request).parts().joined(separator: [0]))
  }
}
