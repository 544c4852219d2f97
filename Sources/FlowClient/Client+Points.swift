// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

extension Client {
  /// Streams points into their place, compares what came with what was sent, and draws some of them if asked.
  ///
  /// An interruption cancels the stream and waits for the server's word; a second one does not wait.
  ///
  /// - Parameters:
  ///   - plot: an SVG file of the points that come first.
  ///   - observe: called after every message.
  /// - Throws: ``ClientError``; its message says where a partial file is, if there is one.
  public mutating func generate(
    _ request: PointsRequest, into target: PointTarget, plot: String? = nil,
    observe: (StreamProgress) -> Void = { _ in }
  ) throws(ClientError) -> PointSummary {
    let wish = try request.wireRequest()
    var run = try PointRun(id: nextRequest(), target: target, keeping: plot == nil ? 0 : PointMap.mostPoints)
    let (end, summary): (StreamEnd, PointSummary)
    do throws(ClientError) {
      end = try self.run(&run, wish, observe)
      summary = try run.summary(end)
      if let plot { try PointMap(summary, run.kept).write(to: plot) }
    } catch {
      throw run.abandon(error)
    }
    try checkRecording(request.record, end, run.complaint, place: summary.path)
    return summary
  }
}
