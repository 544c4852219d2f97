// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Glibc
import Testing

@Suite("Who may use a daemon", .timeLimit(.minutes(1)))
struct AccessTests {
  let ann: CurveKeyPair
  let bob: CurveKeyPair
  let realm: Realm

  init() throws {
    ann = try CurveKeyPair()
    bob = try CurveKeyPair()
    realm = try Realm()
  }

  @Test("a user is greeted by name and served, also at an address of the whole network")
  func served() throws {
    try realm.write("[\(entry("ann", ann)), \(entry("bob", bob))]")
    let daemon = try realm.daemon { $0.endpoint = "tcp://0.0.0.0:*" }
    let endpoint = "tcp://127.0.0.1:" + daemon.endpoint.split(separator: ":")[2]
    let client = try TestClient(endpoint, identity: (ann, realm.server.publicKey))
    try client.send(.hello(client: "test"))
    guard case .welcome(let welcome) = try client.next().reply else { return #expect(Bool(false)) }
    #expect(welcome.user == "ann")
    let session = try client.open(OpenRequest(model: "pattern", seed: 1, frames: 3)).session
    #expect(try client.collect(session).end?.reason == .done)
  }

  @Test("keys are asked for on an ipc socket as well")
  func overFiles() throws {
    try realm.write("[\(entry("ann", ann))]")
    let daemon = try realm.daemon { $0.endpoint = "ipc://\(realm.folder.path)/s" }
    #expect(try realm.fate(daemon, as: ann) == .ready)
    #expect(try realm.fate(daemon, as: bob) == .refused(status: 400))
    #expect(try realm.fate(daemon, as: nil) == .mismatched)
  }

  @Test("a key that is not in the users file is refused in the handshake, as is a client without one")
  func strangers() throws {
    try realm.write("[\(entry("ann", ann))]")
    let daemon = try realm.daemon()
    #expect(try realm.fate(daemon, as: bob) == .refused(status: 400))
    #expect(try realm.fate(daemon, as: nil) == .mismatched)
    #expect(try realm.fate(daemon, as: ann) == .ready)
  }

  @Test("without keys nobody is asked, and what a client calls itself is not believed")
  func nobodyAsked() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    try client.send(#"{"v":1,"op":"hello","auth_user":"root"}"#)
    guard case .welcome(let welcome) = try client.next().reply else { return #expect(Bool(false)) }
    #expect(welcome.user == nil)
  }

  @Test("a user's limit of sessions holds for this user alone, and over all connections of the user")
  func sessionLimit() throws {
    try realm.write("[\(entry("ann", ann, #""max_sessions": 1"#)), \(entry("bob", bob))]")
    let daemon = try realm.daemon()
    let first = try realm.connect(daemon, as: ann)
    let session = try first.open(OpenRequest(model: "pattern", seed: 1, credit: 1)).session
    _ = try first.next()
    let second = try realm.connect(daemon, as: ann)
    try second.send(.open(OpenRequest(model: "pattern")), id: "r2")
    let refusal = try second.nextFailure().failure.error
    #expect(
      refusal.code == .sessionLimit && refusal.retryable && refusal.message.contains("as this user may, 1"))
    let other = try realm.connect(daemon, as: bob)
    for _ in 0..<3 {
      _ = try other.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
      _ = try other.next()
    }
    try first.send(.cancel(.session(session)))
    #expect(try first.nextEnd().reason == .cancelled)
    _ = try second.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
  }

  @Test("who takes over the name of another user's socket does not take over its sessions")
  func takenName() throws {
    try realm.write("[\(entry("ann", ann)), \(entry("bob", bob))]")
    let daemon = try realm.daemon()
    let session: String
    do {
      let client = try realm.connect(daemon, as: ann, name: "same")
      session = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1)).session
    }
    // As long as the first one's end is not noticed, libzmq ignores a second one of the same name.
    for _ in 0..<100 {
      let client = try realm.connect(daemon, as: bob, name: "same", patience: 200)
      for request in [Request.cancel(.session(session)), .close(session: session)] {
        try client.send(request)
      }
      guard let parts = try client.socket.receive() else { continue }
      var failures = [try ReplyMessage(header: parts[0]).reply]
      failures.append(try client.next().reply)
      for reply in failures {
        guard case .error(let failure) = reply else { throw Unexpected(reply) }
        #expect(failure.error.code == .notFound)
      }
      return
    }
    Issue.record("the name did not become free")
  }

  @Test("a user sees and opens the models of the list alone, and errors do not name the others")
  func models() throws {
    try realm.write(
      "[\(entry("ann", ann, #""models": ["pat*", "o?d"]"#)), \(entry("bob", bob, #""models": []"#))]")
    let daemon = try realm.daemon()
    let client = try realm.connect(daemon, as: ann)
    try client.send(.models)
    guard case .models(let models) = try client.next().reply else { return #expect(Bool(false)) }
    #expect(models.map(\.name) == ["odd", "pattern"])
    #expect(try client.status().models.map(\.name) == ["odd", "pattern"])
    for request in [Request.open(try OpenRequest(model: "fragile")), .capabilities(model: "fragile")] {
      try client.send(request)
      let error = try client.nextFailure().failure.error
      #expect(error.code == .forbidden && error.field == "model")
      #expect(error.message.contains("odd, pattern") && !error.message.contains("gated"))
    }
    // Whether a model that is not on the list exists is not told either.
    try client.send(.open(OpenRequest(model: "nothing")))
    #expect(try client.nextFailure().failure.error.code == .forbidden)
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    let other = try realm.connect(daemon, as: bob)
    try other.send(.models)
    #expect(try other.next().reply == .models([]))
    #expect(try other.status().sessions.isEmpty, "the session of another user is shown")
  }

  @Test("a users file read again lets new users in, and puts removed ones out")
  func reload() throws {
    try realm.write("[\(entry("ann", ann))]")
    let daemon = try realm.daemon()
    let client = try realm.connect(daemon, as: ann)
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    _ = try client.next()
    try realm.write("[\(entry("bob", bob))]")
    try daemon.reload()
    #expect(try client.nextEnd().reason == .cancelled)
    try client.send(.open(OpenRequest(model: "pattern")), id: "late")
    let refusal = try client.nextFailure()
    #expect(refusal.id == "late" && refusal.failure.error.code == .unauthorized)
    try client.send(.ping)
    #expect(try client.nextFailure().failure.error.code == .unauthorized)
    #expect(try realm.fate(daemon, as: ann) == .refused(status: 400))
    #expect(try realm.fate(daemon, as: bob) == .ready)
  }

  @Test(
    "SIGHUP has the executable read the users file again; a bad one is told in the log and changes nothing")
  func hangUp() throws {
    try realm.write("[\(entry("ann", ann)), \(entry("bob", bob))]")
    let flowd = try Child(
      "flowd",
      [
        "--models", realm.folder.path, "--manifolds", realm.folder.path, "--curve-key", realm.keyFile,
        "--users",
        realm.usersFile, "--bind", "tcp://127.0.0.1:*",
      ])
    let ready = try #require(flowd.readLine())
    let endpoint = String(ready.dropFirst("flowd is ready at ".count))
    let client = try TestClient(endpoint, identity: (bob, realm.server.publicKey))
    try client.send(.ping)
    #expect(try client.next().reply == .pong)
    try realm.writeFile("{")
    flowd.signal(SIGHUP)
    while !flowd.errorsSoFar.contains("the old list holds") { sched_yield() }
    try client.send(.ping)
    #expect(try client.next().reply == .pong)
    try realm.write("[\(entry("ann", ann))]")
    flowd.signal(SIGHUP)
    // What was sent before the signal acts may still be answered.
    var reply = Reply.pong
    while reply == .pong {
      try client.send(.ping)
      reply = try client.next().reply
    }
    guard case .error(let failure) = reply else { throw Unexpected(reply) }
    #expect(failure.error.code == .unauthorized)
    #expect(try connectionFate(endpoint, identity: (ann, realm.server.publicKey)) == .ready)
    flowd.signal(SIGTERM)
    let ending = flowd.end()
    #expect(ending.status == 0 && ending.errors.contains("users.json: is not JSON"))
  }

  @Test("a model taken from a user's list ends this user's sessions of it and leaves the others alone")
  func reloadModels() throws {
    try realm.write("[\(entry("ann", ann)), \(entry("bob", bob))]")
    let daemon = try realm.daemon()
    let client = try realm.connect(daemon, as: ann)
    let kept = try client.open(OpenRequest(model: "odd", seed: 1, credit: 1)).session
    _ = try client.next()
    let lost = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1)).session
    _ = try client.next()
    let other = try realm.connect(daemon, as: bob)
    _ = try other.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    _ = try other.next()
    try realm.write("[\(entry("ann", ann, #""models": ["odd"]"#)), \(entry("bob", bob))]")
    try daemon.reload()
    let end = try client.nextEnd()
    #expect(end.session == lost && end.reason == .cancelled)
    #expect(try client.status().sessions.map(\.session) == [kept])
    #expect(try other.status().sessions.count == 1)
  }

  @Test("a bad users file is refused with its fault, and the old list goes on to hold")
  func badReload() throws {
    try realm.write("[\(entry("ann", ann))]")
    let daemon = try realm.daemon()
    let client = try realm.connect(daemon, as: ann)
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    _ = try client.next()
    try realm.writeFile("{")
    let error = #expect(throws: UsersFileError.self) { try daemon.reload() }
    #expect(error?.description.contains("users.json: is not JSON") == true)
    #expect(try client.status().sessions.count == 1)
    #expect(try realm.fate(daemon, as: ann) == .ready)
    #expect(try realm.fate(daemon, as: bob) == .refused(status: 400))
  }
}
