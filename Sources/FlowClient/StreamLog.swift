// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What makes a video once more, and what it must come to: read from the report that a stream left.
public struct StreamLog: Sendable {
  /// What is sent to the server.
  let wish: OpenRequest
  /// What the bytes are.
  let format: OutputFormat
  /// SHA-256 of the weights that made it.
  let modelDigest: String
  /// SHA-256 of what was made.
  let digest: String

  /// Reads a report as ``StreamSummary/json`` writes it.
  ///
  /// - Parameters:
  ///   - image: the PNG file that the video continued, if it did: a report does not hold it.
  /// - Throws: ``ClientError`` of kind `usage`, naming what the report lacks.
  public init(report: [UInt8], image: [UInt8]? = nil) throws(ClientError) {
    guard let value = try? JSONValue(parsing: report), case .object(let fields) = value else {
      throw ClientError(.usage, "this is no report; write one with flowctl generate-video --json")
    }
    guard fields["interrupted"] == .boolean(false) else {
      throw ClientError(.usage, "the report is of a stream that was not whole, which nothing makes once more")
    }
    guard case .object(let open)? = fields["open"] else {
      throw ClientError(
        .usage,
        "the report does not say how the stream is made once more; the server kept no log of it, or the report is of points"
      )
    }
    guard case .string(let kind)? = fields["format"], let format = OutputFormat(rawValue: kind),
      case .string(let modelDigest)? = fields["model_sha256"], case .string(let digest)? = fields["sha256"]
    else {
      throw ClientError(
        .usage, "the report lacks format, model_sha256 or sha256; it is not as it was written")
    }
    guard (open["image"] != nil) == (image != nil) else {
      throw ClientError(
        .usage,
        image == nil
          ? "the stream continued a picture, which the report does not hold; add --init-image"
          : "the stream continued no picture; leave --init-image out")
    }
    let parts = [JSONValue.object(open).serialised()] + (image.map { [$0] } ?? [])
    guard let message = try? RequestMessage(parts: parts), case .open(let wish) = message.request else {
      throw ClientError(.usage, "the report's \"open\" is no request; it is not as it was written")
    }
    (self.wish, self.format, self.modelDigest, self.digest) = (wish, format, modelDigest, digest)
  }

  /// Where the output goes: to `path`, or nowhere if there is none.
  public func place(path: String?) throws(ClientError) -> OutputTarget.Place {
    guard let path else { return .file("/dev/null") }
    return try OutputTarget(path: path, format: format).place
  }

  /// Says why a stream is not the one of the log.
  func check(_ summary: StreamSummary) throws(ClientError) {
    guard summary.modelDigest == modelDigest else {
      throw ClientError(
        .refused,
        "the server's \(summary.model) has the weights \(summary.modelDigest), but those of the report were "
          + "\(modelDigest); ask a server that has them")
    }
    guard summary.digest == digest else {
      throw ClientError(
        .broken,
        "the stream has the sha256 \(summary.digest), but that of the report was \(digest): same weights, seed and "
          + "actions make the same frames only in the same build, precision and on the same kind of processor"
      )
    }
  }
}

extension Client {
  /// Makes a video once more and compares it with what it was.
  ///
  /// - Parameters:
  ///   - observe: called after every message.
  /// - Throws: ``ClientError``; of kind `broken` if the video is another one.
  public mutating func replay(
    _ log: StreamLog, into place: OutputTarget.Place, observe: (StreamProgress) -> Void = { _ in }
  ) throws(ClientError) -> StreamSummary {
    let summary = try stream(log.wish, format: log.format, into: place, observe: observe)
    if !summary.isInterrupted { try log.check(summary) }
    return summary
  }
}
