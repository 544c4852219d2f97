// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FlowServer

@Suite("Metrics as Prometheus reads them")
struct MetricTests {
  @Test("metrics without labels are there from the start, and every name has one type")
  func fresh() {
    let text = MetricSet().exposition()
    checkExposition(text)
    #expect(text.contains("\nflowd_deadline_miss_total 0.0\n"))
    #expect(text.contains("\nflowd_ttff_seconds_bucket{le=\"+Inf\"} 0\n"))
    #expect(!text.contains("flowd_frames_total{"))
    #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
  }

  @Test("a value of a histogram counts for every bound that it does not pass")
  func histogram() {
    var metrics = MetricSet()
    for frames in [0.0, 2, 2, 100] { metrics.observe(.controlLatency, [:], frames) }
    let text = metrics.exposition()
    checkExposition(text)
    for line in [
      "_bucket{le=\"0.0\"} 1", "_bucket{le=\"1.0\"} 1", "_bucket{le=\"2.0\"} 3", "_bucket{le=\"64.0\"} 3",
      "_bucket{le=\"+Inf\"} 4", "_sum 104.0", "_count 4",
    ] { #expect(text.contains("\nflowd_ctl_latency_frames\(line)\n"), "no \(line)") }
  }

  @Test("a label may have any text, and a gauge forgets what is no more")
  func labels() {
    var metrics = MetricSet()
    metrics.add(.frames, ["model": "a\"b\\c\nd", "format": "rgb24"], 2)
    #expect(metrics.exposition().contains(#"flowd_frames_total{model="a\"b\\c\nd",format="rgb24"} 2.0"#))
    metrics.set(.sessions, ["state": "credit"], 1)
    #expect(metrics.exposition().contains("flowd_sessions{state=\"credit\"} 1.0"))
    metrics.clear(.sessions)
    #expect(!metrics.exposition().contains("flowd_sessions{"))
  }
}
