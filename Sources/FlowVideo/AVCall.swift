// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// Silences FFmpeg's own log once: what fails is thrown, and standard error belongs to the program.
private let silence: Void = av_log_set_level(AV_LOG_QUIET)

/// Runs one call of FFmpeg and turns a negative result into a ``VideoError``.
///
/// The only place, with ``avReceive(_:_:)``, that looks at an AVERROR.
@discardableResult
func avCall(_ operation: String, _ body: () -> Int32) throws(VideoError) -> Int32 {
  _ = silence
  let result = body()
  guard result >= 0 else {
    throw VideoError(code: .libraryFailed, operation: operation, message: avMessage(result))
  }
  return result
}

/// Runs one `avcodec_receive_…` call; false means that there is nothing to receive now.
func avReceive(_ operation: String, _ body: () -> Int32) throws(VideoError) -> Bool {
  let result = body()
  if result == flow_averror(EAGAIN) || result == flow_averror_eof() { return false }
  try avCall(operation) { result }
  return true
}

/// Runs one call of FFmpeg that allocates or finds; nil becomes a ``VideoError``.
func avAllocate<Value>(_ operation: String, _ body: () -> Value?) throws(VideoError) -> Value {
  _ = silence
  guard let value = body() else {
    throw VideoError(
      code: .libraryFailed, operation: operation, message: "not available, or out of memory")
  }
  return value
}

/// FFmpeg's text for an AVERROR.
private func avMessage(_ error: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
    guard av_strerror(error, text.baseAddress, text.count) == 0, let start = text.baseAddress else {
      return "error \(error)"
    }
    return String(cString: start)
  }
}
