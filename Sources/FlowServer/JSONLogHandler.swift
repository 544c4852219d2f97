// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Glibc
public import Logging

/// Writes a log as one JSON object a line to standard error, for machines.
public struct JSONLogHandler: LogHandler {
  /// What is added to every line.
  public var metadata: Logger.Metadata = [:]
  /// The least that is written.
  public var logLevel: Logger.Level = .info
  private let label: String

  /// A log of the component `label`.
  public init(label: String) { self.label = label }

  /// A value of the metadata.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes a line.
  public func log(event: LogEvent) {
    var line = line(event).serialised()
    line.append(UInt8(ascii: "\n"))
    // One call a line, so that lines of several threads do not mix.
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  func line(_ event: LogEvent) -> JSONValue {
    var object = JSONObject()
    object.append("ts", .string(timestamp()))
    object.append("level", .string(event.level.rawValue))
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    object.append("component", all["component"].map(json) ?? .string(label))
    object.append("msg", .string("\(event.message)"))
    for (key, value) in all.sorted(by: { $0.key < $1.key }) where object[key] == nil {
      object.append(key, json(value))
    }
    return .object(object)
  }
}

/// A value of the metadata: whole numbers and JSON as they are, everything else as text.
private func json(_ value: Logger.Metadata.Value) -> JSONValue {
  guard case .stringConvertible(let content) = value else { return .string("\(value)") }
  if let json = content as? JSONMetadata { return json.value }
  if let number = content as? any FixedWidthInteger { return .integer(Int128(number)) }
  return .string("\(content)")
}

/// JSON as a value of a log's metadata.
struct JSONMetadata: CustomStringConvertible, Sendable {
  let value: JSONValue

  var description: String { String(decoding: value.serialised(), as: UTF8.self) }
}

/// Now, in RFC 3339 with nanoseconds.
private func timestamp() -> String {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  var parts = tm()
  gmtime_r(&time.tv_sec, &parts)
  func pad(_ value: some BinaryInteger, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
  let date = "\(pad(parts.tm_year + 1900, 4))-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
  let hours = "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
  return "\(date)T\(hours).\(pad(time.tv_nsec, 9))Z"
}
