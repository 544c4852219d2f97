// SPDX-License-Identifier: Apache-2.0

/// The values of all metrics, and how Prometheus reads them.
struct MetricSet: Sendable {
  /// Names and values that tell the series of a metric apart.
  typealias Labels = KeyValuePairs<String, String>

  private struct Histogram: Sendable {
    /// How many values were at most each bound, and above the one before.
    var counts: [Int]
    var sum = 0.0
    var count = 0

    mutating func add(_ value: Double, bucket: Int?) {
      if let bucket { counts[bucket] += 1 }
      sum += value
      count += 1
    }
  }

  /// By name of the metric, then by the text of its labels.
  private var numbers: [String: [String: Double]] = [:]
  private var histograms: [String: [String: Histogram]] = [:]

  /// Every metric without labels at 0.
  init() {
    for metric in Metric.all where !metric.isLabelled {
      if case .histogram(let bounds) = metric.kind {
        histograms[metric.name] = ["": Histogram(counts: bounds.map { _ in 0 })]
      } else {
        numbers[metric.name] = ["": 0]
      }
    }
  }

  /// Adds to a counter.
  mutating func add(_ metric: Metric, _ labels: Labels = [:], _ amount: Double = 1) {
    precondition(
      metric.kind == .counter && amount >= 0, "\(metric.name): only a counter grows, and it only grows")
    numbers[metric.name, default: [:]][text(labels), default: 0] += amount
  }

  /// Sets a gauge.
  mutating func set(_ metric: Metric, _ labels: Labels = [:], _ value: Double) {
    precondition(metric.kind == .gauge, "\(metric.name): only a gauge is set")
    numbers[metric.name, default: [:]][text(labels)] = value
  }

  /// Forgets all series of a gauge.
  mutating func clear(_ metric: Metric) { numbers[metric.name] = [:] }

  /// Counts a value of a histogram.
  mutating func observe(_ metric: Metric, _ labels: Labels = [:], _ value: Double) {
    guard case .histogram(let bounds) = metric.kind else {
      preconditionFailure("\(metric.name): only a histogram observes")
    }
    let bucket = bounds.firstIndex { value <= $0 }
    histograms[metric.name, default: [:]][text(labels), default: Histogram(counts: bounds.map { _ in 0 })]
      .add(value, bucket: bucket)
  }

  /// All of it in the text format of Prometheus, version 0.0.4.
  func exposition() -> String {
    var lines: [String] = []
    for metric in Metric.all {
      lines.append("# HELP \(metric.name) \(metric.help)")
      switch metric.kind {
      case .counter, .gauge:
        lines.append("# TYPE \(metric.name) \(metric.kind == .counter ? "counter" : "gauge")")
        for (labels, value) in (numbers[metric.name] ?? [:]).sorted(by: { $0.key < $1.key }) {
          lines.append("\(metric.name)\(braces(labels)) \(value)")
        }
      case .histogram(let bounds):
        lines.append("# TYPE \(metric.name) histogram")
        for (labels, histogram) in (histograms[metric.name] ?? [:]).sorted(by: { $0.key < $1.key }) {
          lines += series(metric.name, labels, bounds, histogram)
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func series(
    _ name: String, _ labels: String, _ bounds: [Double], _ histogram: Histogram
  ) -> [String] {
    let start = labels.isEmpty ? "" : "\(labels),"
    var total = 0
    var lines: [String] = []
    for (bound, count) in zip(bounds, histogram.counts) {
      total += count
      lines.append("\(name)_bucket{\(start)le=\"\(bound)\"} \(total)")
    }
    lines.append("\(name)_bucket{\(start)le=\"+Inf\"} \(histogram.count)")
    lines.append("\(name)_sum\(braces(labels)) \(histogram.sum)")
    lines.append("\(name)_count\(braces(labels)) \(histogram.count)")
    return lines
  }

  private func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

  private func text(_ labels: Labels) -> String {
    labels.map { name, value in "\(name)=\"\(escaped(value))\"" }.joined(separator: ",")
  }

  private func escaped(_ value: String) -> String {
    // Every frame is counted, and hardly a name has anything to escape.
    let special = [UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "\n")]
    guard value.utf8.contains(where: special.contains) else { return value }
    return value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
      "\n", with: "\\n")
  }
}
