// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import Glibc
import Logging
import Testing

@testable import FlowServer

/// Each test has a process of its own: the server answers on Swift's threads, which other tests keep busy.
@Suite("Health and metrics over HTTP", .timeLimit(.minutes(1)))
struct HealthTests {
  @Test("a daemon whose compute thread is at work answers, and its metrics say what it does and did")
  func duringCompute() async throws {
    await #expect(processExitsWith: .success) {
      try await onThread {
        let gate = Gate()
        let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate)) {
          $0.preload = .names(["gated"])
          $0.httpAddress = "127.0.0.1:0"
        }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        try probe.await("/readyz") { $0.code == 200 }
        let client = try daemon.connect()
        let session = try client.open(OpenRequest(model: "gated", seed: 1, frames: 3)).session
        try client.send(.open(OpenRequest(model: "nothing")))
        #expect(try client.nextFailure().failure.error.code == .notFound)
        // The generator does not come back before the gate opens.
        try probe.await("/status") { $0.body.contains(#""sid":"\#(session)","model":"gated""#) }
        #expect(try probe.get("/livez") == HealthProbe.Answer(code: 200, body: #"{"code":"live"}"#))
        #expect(try probe.get("/readyz") == HealthProbe.Answer(code: 200, body: #"{"code":"ready"}"#))
        try probe.await("/metrics") { $0.body.contains(#"flowd_sessions{state="generating"} 1.0"#) }
        #expect(try probe.metric("flowd_kv_bytes") == Double(16 * 12 * 3))
        #expect(try probe.metric("flowd_rss_bytes") ?? 0 > 1e6)
        gate.open(3)
        #expect(try client.collect(session).frames.count == 3)
        let text = try probe.await("/metrics") { !$0.body.contains("flowd_sessions{") }.body
        checkExposition(text)
        for line in [
          #"flowd_frames_total{model="gated",format="rgb24"} 3.0"#,
          #"flowd_session_opens_total{result="opened"} 1.0"#,
          #"flowd_session_opens_total{result="not_found"} 1.0"#, #"flowd_errors_total{code="not_found"} 1.0"#,
          "flowd_ttff_seconds_count 1", "flowd_frame_interval_seconds_count 2",
          #"flowd_chunk_generate_seconds_count{phase="generate"} 3"#,
          #"flowd_chunk_generate_seconds_count{phase="encode"} 3"#, "flowd_kv_bytes 0.0",
          #"flowd_build_info{version="0.1.0"} 1.0"#,
        ] { #expect(text.contains("\n\(line)\n"), "no line \(line)") }
        #expect(try probe.get("/nothing").code == 404)
      }
    }
  }

  @Test("a daemon that loads, drains, is stuck or lacks a model is not ready, and says which")
  func readiness() async throws {
    await #expect(processExitsWith: .success) {
      try await onThread {
        let loading = Gate()
        let daemon = try TestDaemon(catalogue: SlowCatalogue(loading: loading)) {
          $0.httpAddress = "127.0.0.1:0"
        }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        try probe.await("/readyz") {
          $0 == .init(code: 503, body: #"{"code":"model_loading","model":"first","progress":0.0}"#)
        }
        loading.open(1)
        try probe.await("/readyz") {
          $0 == .init(code: 503, body: #"{"code":"model_loading","model":"second","progress":0.5}"#)
        }
        #expect(try probe.get("/livez").code == 200)
        loading.open(1)
        try probe.await("/readyz") { $0.code == 200 }
      }
    }
    await #expect(processExitsWith: .success) {
      try await onThread {
        let gate = Gate()
        let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate)) {
          $0.preload = .names(["gated"])
          $0.httpAddress = "127.0.0.1:0"
          $0.computeTimeout = .milliseconds(200)
          $0.drainTimeout = .seconds(20)
        }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        let client = try daemon.connect()
        let session = try client.open(OpenRequest(model: "gated", seed: 1)).session
        let stuck = try probe.await("/readyz") { $0.code == 503 }
        #expect(stuck.body.hasPrefix(#"{"code":"degraded","message":"the compute thread"#))
        #expect(try probe.get("/livez").code == 200)
        daemon.daemon.drain()
        try probe.await("/readyz") { $0 == .init(code: 503, body: #"{"code":"draining"}"#) }
        gate.open(10)
        #expect(try client.collect(session).end?.reason == .drained)
        daemon.daemon.wait()
      }
    }
    await #expect(processExitsWith: .success) {
      try await onThread {
        let daemon = try TestDaemon {
          $0.preload = .names(["pattern", "broken"])
          $0.httpAddress = "127.0.0.1:0"
        }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        let answer = try probe.await("/readyz") { $0.body.contains("degraded") }
        #expect(answer.code == 503)
        #expect(
          answer.body.hasPrefix(#"{"code":"degraded","model":"broken","message":"the model broken cannot"#))
      }
    }
  }

  @Test("cancelling, steering and missing credit are measured")
  func measures() async throws {
    await #expect(processExitsWith: .success) {
      try await onThread {
        let daemon = try TestDaemon { $0.httpAddress = "127.0.0.1:0" }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        let client = try daemon.connect()
        let session = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1)).session
        _ = try client.next()
        try client.send(.control(ControlRequest(session: session, number: 1, plan: .hold("left"))))
        _ = try client.next()
        try probe.await("/metrics") { $0.body.contains("flowd_ctl_latency_frames_count 1\n") }
        #expect(try probe.metric("flowd_ctl_latency_frames_sum") == 1)
        try probe.await("/metrics") { !$0.body.contains("flowd_credit_starved_seconds_total 0.0\n") }
        try client.send(.cancel(.session(session)))
        #expect(try client.nextEnd().reason == .cancelled)
        try probe.await("/metrics") { $0.body.contains("flowd_cancel_latency_seconds_count 1\n") }
      }
    }
  }

  @Test("a message that a client gets once more, of a stream that goes on or is over, counts once")
  func resumed() async throws {
    await #expect(processExitsWith: .success) {
      try await onThread {
        let daemon = try TestDaemon { $0.httpAddress = "127.0.0.1:0" }
        let probe = HealthProbe(address: try #require(daemon.daemon.httpAddress))
        let client = try daemon.connect(), frames = 6
        let opened = try client.open(OpenRequest(model: "pattern", seed: 5, frames: frames, credit: 4))
        for _ in 0..<4 { _ = try client.next() }
        let back = { (credit: Int) in
          try client.send(
            .resume(
              ResumeRequest(
                session: opened.session, token: opened.tenancy.token, firstSequence: 1, credit: credit)))
          _ = try client.next()
        }
        try back(3)
        for _ in 0..<3 { _ = try client.next() }
        try back(5)
        for _ in 0..<5 { _ = try client.next() }
        #expect(try client.nextEnd().frames == frames)
        try back(5)
        for _ in 0..<5 { _ = try client.next() }
        #expect(try client.nextEnd().frames == frames)
        // What is told after this has been counted knows all that was before it.
        try client.send(.open(OpenRequest(model: "nothing")))
        let text = try probe.await("/metrics") { $0.body.contains(#"opens_total{result="not_found"} 1.0"#) }
          .body
        for line in [
          "flowd_ttff_seconds_count 1", "flowd_frame_interval_seconds_count \(frames - 1)",
          #"flowd_session_opens_total{result="opened"} 1.0"#,
        ] {
          #expect(text.contains("\n\(line)\n"), "no line \(line)")
        }
      }
    }
  }

  @Test("an address that is taken, or is not this machine's alone, is refused when the daemon starts")
  func addresses() async throws {
    await #expect(processExitsWith: .success) {
      try await onThread {
        let first = try TestDaemon { $0.httpAddress = "127.0.0.1:0" }
        let taken = try #require(first.daemon.httpAddress)
        let busy = #expect(throws: StartError.self) { _ = try TestDaemon { $0.httpAddress = taken } }
        #expect(busy?.kind == .busy && busy?.description.contains(taken) == true)
        let open = #expect(throws: StartError.self) { _ = try TestDaemon { $0.httpAddress = "0.0.0.0:0" } }
        #expect(open?.kind == .configuration)
      }
    }
  }
}

/// Checks a text against the format of Prometheus: types come before samples, and histograms add up.
func checkExposition(_ text: String) {
  var types: [String: String] = [:]
  var buckets: [String: Double] = [:]
  for line in text.split(separator: "\n") {
    if line.hasPrefix("# TYPE ") {
      let words = line.split(separator: " ")
      #expect(words.count == 4 && types[String(words[2])] == nil, "\(line)")
      types[String(words[2])] = String(words[3])
    }
    guard !line.hasPrefix("#") else { continue }
    let space = line.lastIndex(of: " ") ?? line.startIndex
    let series = line[..<space], name = String(series.prefix { $0 != "{" })
    let value = Double(line[line.index(after: space)...])
    #expect(value != nil, "\(line)")
    #expect(series.contains("{") == series.hasSuffix("}"), "\(line)")
    let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map {
      String(name.dropLast($0.count))
    }
    if let family, types[family] == "histogram" {
      let key = String(series.prefix(upTo: series.firstRange(of: "le=")?.lowerBound ?? series.endIndex))
      if name.hasSuffix("_bucket") {
        #expect((buckets[key] ?? 0) <= value ?? -1, "\(line)")
        buckets[key] = value
      }
    } else {
      #expect(types[name] == "counter" || types[name] == "gauge", "\(line)")
    }
  }
  #expect(types.count == Metric.all.count && !buckets.isEmpty)
}
