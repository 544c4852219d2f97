// SPDX-License-Identifier: Apache-2.0

/// What the user sees of a stream while it runs, as one line of text.
public struct StreamProgress: Sendable, Equatable {
  /// Frames, or points, so far.
  public var frames: Int
  /// Frames, or points, asked for; nil for a stream without end.
  public var total: Int?
  /// Seconds since the stream was opened.
  public var seconds: Double
  /// Bytes so far.
  public var bytes: Int
  /// What is counted.
  public var unit: String

  /// A state of a stream.
  public init(frames: Int, total: Int?, seconds: Double, bytes: Int, unit: String = "frames") {
    self.frames = frames
    self.total = total
    self.seconds = seconds
    self.bytes = bytes
    self.unit = unit
  }

  /// Frames, or points, a second so far.
  public var rate: Double { seconds > 0 ? Double(frames) / seconds : 0 }

  /// Seconds until the end at the rate so far; nil if that is unknown.
  public var remaining: Double? {
    guard let total, rate > 0 else { return nil }
    return Double(max(0, total - frames)) / rate
  }

  /// `120/350 frames  34.8 frames/s  6.6 s left  1.2 MB`.
  public var line: String {
    let count = total.map { "\(frames)/\($0) \(unit)" } ?? "\(frames) \(unit)"
    let left = remaining.map { "  \(fixed($0)) s left" } ?? ""
    return "\(count)  \(fixed(rate, digits: rate < 10_000 ? 1 : 0)) \(unit)/s\(left)  \(byteCount(bytes))"
  }
}

/// A number with `digits` digits after the point.
public func fixed(_ value: Double, digits: Int = 1) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let unit = (0..<digits).reduce(1) { product, _ in product * 10 }
  let scaled = Int((abs(value) * Double(unit)).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(scaled)" }
  let fraction = String(scaled % unit)
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(sign)\(scaled / unit).\(zeros)\(fraction)"
}

/// A count of bytes in the largest unit that keeps it at one or more.
public func byteCount(_ bytes: Int) -> String {
  let units = ["kB", "MB", "GB", "TB"]
  guard bytes >= 1000 else { return "\(bytes) B" }
  var value = Double(bytes) / 1000
  var unit = 0
  while value >= 1000, unit + 1 < units.count {
    value /= 1000
    unit += 1
  }
  return "\(fixed(value)) \(units[unit])"
}
