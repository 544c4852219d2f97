// SPDX-License-Identifier: Apache-2.0

import FlowWire
import Testing

/// Reads a header, and a body where one is given, as the daemon would.
func read(_ header: String, _ body: [UInt8]? = nil) throws(RequestRejection) -> RequestMessage {
  try RequestMessage(parts: [Array(header.utf8)] + (body.map { [$0] } ?? []))
}

@Suite("Requests")
struct RequestTests {
  static let everyField = try! OpenRequest(
    model: "doom", seed: .max, frames: 200, steps: 4, credit: 16, framesPerSecond: 17.5,
    plan: .runs([ActionRun("forward", 20), ActionRun("left", 8)]),
    format: StreamFormat(.fmp4, crf: 18, gop: 35, scale: 4, filter: .bicubic),
    image: InitialImage(.rgb24, width: 2, height: 1, bytes: [1, 2, 3, 4, 5, 6]))

  @Test(
    "a request that is written is read back as it was",
    arguments: [
      .hello(client: "test"), .hello(client: nil), .capabilities(model: "doom"), .capabilities(model: nil),
      .models,
      .open(try! OpenRequest(model: "doom")), .open(everyField), .open(everyPoint),
      .open(try! OpenRequest(model: "e", .plain)), .open(try! OpenRequest(model: "e", .points(.plain))),
      .credit(try! CreditRequest(session: "s1", count: 1024)),
      .control(try! ControlRequest(session: "s1", number: 7, place: .frame(40), plan: .hold("left"))),
      .control(try! ControlRequest(session: "s1", plan: .runs([ActionRun("left", 2)]))),
      .control(
        try! ControlRequest(session: "s1", plan: .hold("left"), flushes: true, pauses: false)),
      .control(try! ControlRequest(session: "s1", pauses: true)),
      .open(
        try! OpenRequest(
          model: "doom", delivery: Delivery(pace: .media, policy: .latest, aheadMilliseconds: 0),
          snapshot: "s1-1", wantsLog: true)),
      .resume(
        try! ResumeRequest(
          session: "s1", token: "0f", firstSequence: 1 << 53, credit: 9, takesOver: true)),
      .snapshot(session: "s1"), .rewind(try! RewindRequest(session: "s1", snapshot: "s1-1", number: 0)),
      .model(try! ModelRequest(.load, "doom")), .model(try! ModelRequest(.reload, "doom")),
      .model(try! ModelRequest(.unload, "doom")),
      .cancel(.session("s1")), .close(session: "s1"), .status, .ping,
    ] as [Request])
  func roundTrips(request: Request) throws {
    let message = RequestMessage(id: "r1", request)
    #expect(try RequestMessage(parts: message.parts()) == message)
  }

  @Test("a minimal open takes the documented defaults, whatever kind of model it names")
  func minimalOpen() throws {
    let message = try read(#"{"v":1,"op":"open","model":"doom"}"#)
    #expect(message == RequestMessage(.open(try OpenRequest(model: "doom", credit: 8, .plain))))
    #expect(try OpenRequest(model: "doom") == OpenRequest(model: "doom", credit: 8, .video(.plain)))
  }

  @Test("an open of points takes the documented defaults")
  func minimalPoints() throws {
    let message = try read(#"{"v":1,"op":"open","model":"e","points":7}"#)
    guard case .open(let open) = message.request, case .points(let wish) = open.content else {
      throw Missing()
    }
    #expect(wish.points == 7 && wish.evaluations == nil && wish.batch == nil && wish.start == nil)
    #expect(wish.startTime == 1 && wish.endTime == 0 && !wish.wantsTrajectory && open.credit == 8)
  }

  private struct Missing: Error {}

  static let everyPoint = try! OpenRequest(
    model: "e", seed: .max, credit: 16,
    .points(
      PointsWish(
        evaluations: 4, batch: 10, startTime: 0.75, endTime: 0.25, wantsTrajectory: true,
        start: StartPoints(count: 2, width: 2, coordinates: [1, -2.5, 3, 1e-20]))))

  @Test("a cancel without sid names the open by its id")
  func cancelByRequest() throws {
    #expect(try read(#"{"v":1,"op":"cancel","id":"r1"}"#).request == .cancel(.request("r1")))
  }

  @Test("fields that are not known are ignored, and null counts as absent")
  func unknownFields() throws {
    let message = try read(#"{"v":1,"op":"ping","id":"r","x":[{"y":1.5}],"sid":null}"#)
    #expect(message == RequestMessage(id: "r", .ping))
  }

  static let refusals: [(String, WireError.Code, String?)] = [
    (#"[1]"#, .badHeader, nil), (#""open""#, .badHeader, nil), (#"{"v":1"#, .badHeader, nil),
    (#"{"v":1,"v":1,"op":"ping"}"#, .badHeader, nil), (#"{"v":1,"op":"ping","x":NaN}"#, .badHeader, nil),
    (#"{"op":"ping"}"#, .badRequest, "v"), (#"{"v":"1","op":"ping"}"#, .badRequest, "v"),
    (#"{"v":1.0,"op":"ping"}"#, .badRequest, "v"), (#"{"v":2,"op":"ping"}"#, .unsupportedVersion, "v"),
    (#"{"v":1}"#, .badRequest, "op"), (#"{"v":1,"op":"dance"}"#, .unknownOperation, "op"),
    (#"{"v":1,"op":"ping","id":7}"#, .badRequest, "id"), (#"{"v":1,"op":"ping","id":""}"#, .badRequest, "id"),
    (#"{"v":1,"op":"open"}"#, .badRequest, "model"),
    (#"{"v":1,"op":"open","model":3}"#, .badRequest, "model"),
    (#"{"v":1,"op":"credit","n":1}"#, .badRequest, "sid"),
    (#"{"v":1,"op":"credit","sid":"s"}"#, .badRequest, "n"),
    (#"{"v":1,"op":"credit","sid":"s","n":0}"#, .badRequest, "n"),
    (#"{"v":1,"op":"credit","sid":"s","n":-1}"#, .badRequest, "n"),
    (#"{"v":1,"op":"credit","sid":"s","n":1025}"#, .badRequest, "n"),
    (#"{"v":1,"op":"credit","sid":"s","n":9223372036854775808}"#, .badRequest, "n"),
    (#"{"v":1,"op":"credit","sid":"s","n":1.5}"#, .badRequest, "n"),
    (#"{"v":1,"op":"control","sid":"s"}"#, .badRequest, "action"),
    (#"{"v":1,"op":"control","sid":"s","action":"a","actions":[]}"#, .badRequest, "actions"),
    (#"{"v":1,"op":"control","sid":"s","action":"a","at":"later"}"#, .badRequest, "at"),
    (#"{"v":1,"op":"control","sid":"s","action":"a","at":{}}"#, .badRequest, "at.seq"),
    (#"{"v":1,"op":"control","sid":"s","action":"a","at":{"seq":-1}}"#, .badRequest, "at.seq"),
    (#"{"v":1,"op":"control","sid":"s","action":"a","ctl":-1}"#, .badRequest, "ctl"),
    (#"{"v":1,"op":"control","sid":"s","actions":[["a",0]]}"#, .badRequest, "actions"),
    (#"{"v":1,"op":"control","sid":"s","actions":[["a"]]}"#, .badRequest, "actions"),
    (#"{"v":1,"op":"control","sid":"s","actions":["a"]}"#, .badRequest, "actions"),
    (#"{"v":1,"op":"control","sid":"s","pause":1}"#, .badRequest, "pause"),
    (#"{"v":1,"op":"cancel"}"#, .badRequest, "sid"), (#"{"v":1,"op":"close"}"#, .badRequest, "sid"),
    (#"{"v":1,"op":"snapshot"}"#, .badRequest, "sid"), (#"{"v":1,"op":"load"}"#, .badRequest, "model"),
    (#"{"v":1,"op":"rewind","sid":"s"}"#, .badRequest, "snapshot"),
    (#"{"v":1,"op":"open","resume":{"sid":"s","token":"t"}}"#, .badRequest, "resume.from_seq"),
    (#"{"v":1,"op":"open","resume":{"sid":"s","token":"t","from_seq":-1}}"#, .badRequest, "resume.from_seq"),
    (#"{"v":1,"op":"open","resume":{"sid":"s","from_seq":0}}"#, .badRequest, "resume.token"),
    (
      #"{"v":1,"op":"open","seed":1,"resume":{"sid":"s","token":"t","from_seq":0}}"#, .badRequest, "seed"
    ),
  ]

  @Test("a request that is wrong is refused with the code and the field to blame", arguments: refusals)
  func refused(header: String, code: WireError.Code, field: String?) {
    let rejection = #expect(throws: RequestRejection.self) { try read(header) }
    #expect(rejection?.error.code == code)
    #expect(rejection?.error.field == field)
  }

  static let openRefusals: [(String, WireError.Code, String)] = [
    (#""seed":-1"#, .badRequest, "seed"), (#""seed":18446744073709551616"#, .badRequest, "seed"),
    (#""seed":0.5"#, .badRequest, "seed"), (#""frames":-1"#, .badRequest, "frames"),
    (#""frames":9223372036854775808"#, .badRequest, "frames"), (#""frames":"9""#, .badRequest, "frames"),
    (#""steps":0"#, .badRequest, "steps"), (#""credit":0"#, .badRequest, "credit"),
    (#""credit":-1"#, .badRequest, "credit"), (#""credit":9223372036854775808"#, .badRequest, "credit"),
    (#""fps":0"#, .badRequest, "fps"), (#""fps":1001"#, .badRequest, "fps"), (#""action":""#, .badHeader, ""),
    (#""action":[]"#, .badRequest, "action"), (#""policy":"newest""#, .badRequest, "policy"),
    (#""frames":9,"policy":"latest","format":{"kind":"fmp4"}"#, .badRequest, "policy"),
    (#""points":9,"policy":"latest""#, .badRequest, "policy"),
    (#""points":9,"pace":"media""#, .badRequest, "pace"),
    (#""points":9,"ctl_log":true"#, .badRequest, "ctl_log"), (#""from":{}"#, .badRequest, "from.snapshot"),
    (#""pace":"fast""#, .badRequest, "pace"), (#""ahead_ms":9"#, .badRequest, "ahead_ms"),
    (#""pace":"media","ahead_ms":60001"#, .badRequest, "ahead_ms"),
    (#""record":"x""#, .badRequest, "record"), (#""record":{}"#, .badRequest, "record.path"),
    (#""resume":{}"#, .badRequest, "model"), (#""prompt":"a red ball""#, .badRequest, "prompt"),
    (#""format":"rgb24""#, .badRequest, "format"), (#""format":{}"#, .badRequest, "format.kind"),
    (#""format":{"kind":"gif"}"#, .unsupportedFormat, "format.kind"),
    (#""format":{"kind":"fmp4","crf":52}"#, .badRequest, "format.crf"),
    (#""format":{"kind":"fmp4","gop":0}"#, .badRequest, "format.gop"),
    (#""format":{"kind":"png","scale":17}"#, .badRequest, "format.scale"),
    (#""format":{"kind":"png","filter":"area"}"#, .badRequest, "format.filter"),
    (#""image":{"encoding":"rgb24","w":2,"h":1}"#, .badRequest, "image"),
  ]

  @Test("an open that is wrong is refused with the code and the field to blame", arguments: openRefusals)
  func openRefused(field: String, code: WireError.Code, blamed: String) {
    let rejection = #expect(throws: RequestRejection.self) {
      try read(#"{"v":1,"op":"open","id":"r9","model":"doom",\#(field)}"#)
    }
    #expect(rejection?.error.code == code)
    #expect(rejection?.error.field ?? "" == blamed)
    #expect(rejection?.id == (code == .badHeader ? nil : "r9"))
  }

  @Test(
    "an image must have the bytes that its description promises",
    arguments: [
      (#""encoding":"rgb24","w":2,"h":1"#, 5, "image"), (#""encoding":"rgb24","w":2,"h":1"#, 7, "image"),
      (#""encoding":"rgb24","w":0,"h":1"#, 0, "image.w"), (#""encoding":"rgb24","w":2"#, 6, "image.h"),
      (#""encoding":"rgb24","w":5000,"h":1"#, 6, "image.w"),
      (#""encoding":"gif","w":2,"h":1"#, 6, "image.encoding"),
      (#""w":2,"h":1"#, 6, "image.encoding"),
    ])
  func images(description: String, count: Int, field: String) {
    let rejection = #expect(throws: RequestRejection.self) {
      try read(
        #"{"v":1,"op":"open","model":"d","image":{\#(description)}}"#, [UInt8](repeating: 0, count: count))
    }
    #expect(rejection?.error.field == field)
  }

  @Test("a body that nobody described is refused", arguments: [#""op":"ping""#, #""op":"open","model":"d""#])
  func strayBody(fields: String) {
    let rejection = #expect(throws: RequestRejection.self) { try read(#"{"v":1,\#(fields)}"#, [1]) }
    #expect(rejection?.error.code == .badRequest)
  }

  @Test("a message has one or two parts, and a header of at most 64 KiB")
  func parts() throws {
    for count in [0, 3, 1000] {
      let parts = [[UInt8]](repeating: Array(#"{"v":1,"op":"ping"}"#.utf8), count: count)
      let rejection = #expect(throws: RequestRejection.self) { try RequestMessage(parts: parts) }
      #expect(rejection?.error.code == .badHeader)
    }
    let frame = #"{"v":1,"op":"ping","x":""}"#
    let padding = String(repeating: "x", count: WireLimits.headerBytes - frame.utf8.count)
    #expect(try read(frame.dropLast(2) + padding + "\"}").request == .ping)
    let rejection = #expect(throws: RequestRejection.self) { try read(frame.dropLast(2) + padding + "x\"}") }
    #expect(rejection?.error.code == .tooLarge)
  }

  /// 10,000 bytes on the wire, escaped as they must be, and as many characters that a reply has to escape again.
  private static let long = String(repeating: "\\u0001", count: 10_000)

  @Test(
    "a refusal can be sent, however long what it complains of is",
    arguments: [
      #"{"v":1,"op":"\#(long)"}"#, #"{"v":1,"id":"\#(long)","op":"ping"}"#,
      #"{"v":1,"op":"credit","sid":"\#(long)","n":1}"#, #"{"v":1,"\#(long)":1,"\#(long)":1}"#,
      #"{"v":1,"op":"open","model":"d","format":{"kind":"\#(long)"}}"#,
    ])
  func longRefusal(header: String) throws {
    let rejection = try #require(throws: RequestRejection.self) { try read(header) }
    let reply = ReplyMessage(id: rejection.id, .error(Failure(session: rejection.session, rejection.error)))
    #expect(reply.header().count <= WireLimits.headerBytes)
    #expect(try ReplyMessage(header: reply.header()) == reply)
    #expect(WireError(rejection.error.code, rejection.error.message).message == rejection.error.message)
  }
}
