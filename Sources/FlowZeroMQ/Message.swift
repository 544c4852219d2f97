// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// One part of a message: bytes that libzmq owns.
public struct Message: ~Copyable {
  // On the heap: libzmq forbids moving a message otherwise than by its own calls.
  let pointer: UnsafeMutablePointer<zmq_msg_t>

  /// An empty part, to receive into.
  public init() {
    pointer = .allocate(capacity: 1)
    zmq_msg_init(pointer)
  }

  /// A part that holds a copy of `bytes`.
  public init(_ bytes: [UInt8]) throws(ZeroMQError) {
    let pointer = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
    guard zmq_msg_init_size(pointer, bytes.count) == 0 else {
      let code = zmq_errno()
      pointer.deallocate()
      throw ZeroMQError(code: code, operation: "zmq_msg_init_size")
    }
    bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress, source.count > 0 else { return }
      zmq_msg_data(pointer).copyMemory(from: start, byteCount: source.count)
    }
    self.pointer = pointer
  }

  deinit {
    zmq_msg_close(pointer)
    pointer.deallocate()
  }

  /// How many bytes the part has.
  public var count: Int { zmq_msg_size(pointer) }

  /// Whether more parts of the same message follow.
  public var hasMore: Bool { zmq_msg_more(pointer) != 0 }

  /// The name that the handler of ``Authentication`` gave the sender; nil if nobody was asked.
  public var user: String? {
    guard let name = zmq_msg_gets(pointer, "User-Id"), name.pointee != 0 else { return nil }
    return String(cString: name)
  }

  /// A copy of the bytes.
  public var bytes: [UInt8] { withBytes { Array($0) } }

  /// Lends the bytes for the time of the call.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: zmq_msg_data(pointer), count: count))
  }
}
