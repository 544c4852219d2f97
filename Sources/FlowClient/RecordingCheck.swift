// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// Throws if the server was to keep a stream and has less of it than the client got.
///
/// - Parameters:
///   - place: where the client's own output is, which is whole.
func checkRecording(
  _ wish: String?, _ end: StreamEnd, _ complaint: WireError?, place: String?
) throws(ClientError) {
  guard let wish, end.recorded?.bytes ?? 0 != end.bytes else { return }
  let why = complaint.map(describe) ?? "it does not say why"
  throw ClientError(
    .broken,
    "\(place ?? "standard output") is whole, but the server's recording \(wish) has \(end.recorded?.bytes ?? 0) of "
      + "\(end.bytes) bytes: \(why)")
}
