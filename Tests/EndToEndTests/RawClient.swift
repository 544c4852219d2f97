// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Testing

/// A client that says exactly what it is told to.
struct RawClient: ~Copyable {
  private let socket: Socket
  private let monitor: SocketMonitor

  init(_ endpoint: String, _ kind: Socket.Kind = .dealer) throws {
    let socket = try Socket(Context(), kind)
    try socket.set(.receiveTimeout, 20_000)
    let monitor = try SocketMonitor(socket)
    try socket.connect(endpoint)
    self.socket = socket
    self.monitor = monitor
  }

  /// Sends the parts of a message.
  func send(_ parts: [[UInt8]]) throws { #expect(try socket.send(parts)) }

  /// Sends a request.
  func send(_ request: Request, id: String? = nil) throws {
    try send(RequestMessage(id: id, request).parts())
  }

  /// The parts of the next message; a test fails if none comes within 20 seconds.
  func receive() throws -> [[UInt8]] { try #require(try socket.receive(), "no message came") }

  /// The next message that is not `progress`, which may come at any time.
  func next() throws -> (id: String?, reply: Reply, body: [UInt8]?) {
    while true {
      let parts = try receive()
      let message = try ReplyMessage(header: parts[0])
      if case .progress = message.reply { continue }
      return (message.id, message.reply, parts.count > 1 ? parts[1] : nil)
    }
  }

  /// The next message, which has to be an error.
  func nextError() throws -> (id: String?, error: WireError) {
    let message = try next()
    guard case .error(let failure) = message.reply else { throw Unexpected(reply: message.reply) }
    return (message.id, failure.error)
  }

  /// What the daemon says of itself; messages of streams that come before are lost.
  func status() throws -> ServerStatus {
    try send(.status)
    while true { if case .status(let status) = try next().reply { return status } }
  }

  /// Asks for the status until it is as wanted.
  func awaitStatus(_ isWanted: (ServerStatus) -> Bool) throws {
    let start = ContinuousClock.now
    while !isWanted(try status()) {
      try #require(start.duration(to: .now) < .seconds(30), "the status did not become what was expected")
    }
  }

  /// Waits until the daemon has closed the connection; libzmq then makes another one, under another name.
  func awaitDisconnection() throws {
    while true {
      let event = try #require(try monitor.next(milliseconds: 20_000), "the connection was not closed")
      if event == .disconnected { return }
    }
  }
}

/// A stream as far as its client has it; no message of it was dropped.
struct PartialStream {
  let opened: Opened
  var bodies: [[UInt8]] = []

  /// SHA-256 of what has come.
  var digest: String {
    var digest = SHA256()
    for body in bodies { digest.update(body) }
    return digest.hexadecimal()
  }
}

// MARK: - Streams

extension RawClient {
  /// Begins a stream.
  func open(_ wish: OpenRequest) throws -> PartialStream {
    try send(.open(wish), id: "open")
    let message = try next()
    guard case .opened(let opened) = message.reply else { throw Unexpected(reply: message.reply) }
    return PartialStream(opened: opened)
  }

  /// Goes on with a stream that another connection had, and which is free.
  func resume(_ stream: PartialStream) throws {
    let (session, token) = (stream.opened.session, stream.opened.tenancy.token)
    try send(
      .resume(ResumeRequest(session: session, token: token, firstSequence: stream.bodies.count, credit: 4)),
      id: "back")
    while true {
      let message = try next()
      if case .opened(let opened) = message.reply, message.id == "back" {
        let tenancy = Tenancy(token: token, nextSequence: stream.bodies.count, isResumed: true)
        #expect(opened.session == session && opened.tenancy == tenancy)
        return
      }
      // What had come by the connection that broke and was not read there.
      guard message.body != nil else { throw Unexpected(reply: message.reply) }
    }
  }

  /// Reads a stream until there are so many messages of it.
  func read(_ stream: inout PartialStream, until count: Int, givesCredit: Bool = true) throws {
    while stream.bodies.count < count {
      let message = try next()
      try take(message.reply, message.body, &stream, givesCredit: givesCredit)
    }
  }

  /// Reads a stream, giving credit, until a control is acknowledged: the frame from which on it holds.
  func acknowledgement(_ stream: inout PartialStream) throws -> Int {
    while true {
      let message = try next()
      if case .controlAcknowledged(let reply) = message.reply {
        guard case .applied(let frame) = reply.outcome else { throw Unexpected(reply: message.reply) }
        return frame
      }
      try take(message.reply, message.body, &stream)
    }
  }

  /// Reads a stream, giving credit, to its end, whose digest is that of what has come.
  func finish(_ stream: inout PartialStream) throws -> StreamEnd {
    while true {
      let message = try next()
      if case .end(let end) = message.reply {
        let digest = stream.digest
        #expect(end.session == stream.opened.session && end.sha256 == digest)
        return end
      }
      try take(message.reply, message.body, &stream)
    }
  }

  private func take(
    _ reply: Reply, _ body: [UInt8]?, _ stream: inout PartialStream, givesCredit: Bool = true
  ) throws {
    switch reply {
    case .frame(let frame): #expect(frame.sequence == stream.bodies.count)
    case .media(let media): #expect(media.sequence == stream.bodies.count)
    default: throw Unexpected(reply: reply)
    }
    stream.bodies.append(body ?? [])
    guard givesCredit else { return }
    try send(.credit(CreditRequest(session: stream.opened.session, count: 1)))
  }
}

// MARK: - Clients in Python

extension Child {
  /// What a client below printed of its stream at the beginning.
  func readStream(_ count: Int) throws -> PartialStream {
    var stream = PartialStream(opened: try readOpened())
    while stream.bodies.count < count { stream.bodies.append(try readBody()) }
    return stream
  }

  /// The next header that a client below printed.
  func readReply() throws -> Reply {
    let line = readLine()
    let header = try #require(line, "\(errorsSoFar)")
    return try ReplyMessage(header: Array(header.utf8)).reply
  }

  /// The same, which has to be `opened`.
  func readOpened() throws -> Opened {
    let reply = try readReply()
    guard case .opened(let opened) = reply else { throw Unexpected(reply: reply) }
    return opened
  }

  /// The next body that a client below printed: a line with its number of bytes, then these.
  func readBody() throws -> [UInt8] {
    let number = readLine().flatMap { Int($0) }
    let count = try #require(number, "\(errorsSoFar)")
    let bytes = read(count)
    try #require(bytes.count == count, "\(errorsSoFar)")
    return bytes
  }
}

/// Reads some messages and stands still; when the daemon has let go of it, it goes on with its stream.
///
/// It answers heartbeats while it stands still, since libzmq does.
let clientThatComesBack = #"""
  import json, signal, sys
  import zmq
  from zmq.utils.monitor import recv_monitor_message

  endpoint, wish, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
  signal.alarm(60)  # whatever becomes of the test
  out = sys.stdout.buffer
  socket = zmq.Context().socket(zmq.DEALER)
  socket.linger = 0
  monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
  socket.connect(endpoint)
  send = lambda **header: socket.send(json.dumps({"v": 1, **header}).encode())
  socket.send(wish.encode())
  received, is_back = 0, True
  while True:
      head, *body = socket.recv_multipart()
      header = json.loads(head)
      if header["op"] == "opened":
          opened, is_back = header, True
          out.write(head + b"\n")
      elif header["op"] == "end" or "id" in header:  # not a refusal of credit that came too late
          out.write(head + b"\n")
          sys.exit(header["op"] == "error")
      elif body and is_back:  # else it had come by the old connection
          out.write(b"%d\n" % len(body[0]) + body[0])
          received += 1
          send(op="credit", sid=header["sid"], n=1)
          if received == count:
              out.flush()
              recv_monitor_message(monitor)
              resume = {"sid": opened["sid"], "token": opened["token"], "from_seq": received}
              send(op="open", id="back", credit=4, resume=resume)
              is_back = False
      out.flush()
  """#

/// Reads some messages and the first half of the bytes of the next, and stands still.
///
/// It speaks ZMTP 3.0 by itself: libzmq would not say how much of a message it has read.
let clientThatReadsHalf = #"""
  import json, signal, socket, struct, sys

  path, wish, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
  signal.alarm(60)  # whatever becomes of the test
  out = sys.stdout.buffer
  peer = socket.socket(socket.AF_UNIX)
  peer.connect(path)

  def read(size):
      data = bytearray()
      while len(data) < size:
          some = peer.recv(size - len(data))
          if not some:
              sys.exit("the daemon has closed the connection")
          data += some
      return bytes(data)

  def send(data, flags=0):
      peer.sendall(struct.pack(">BQ", flags | 2, len(data)) + data)

  def size():
      """How many bytes the next part has, which come next; commands before it are obeyed."""
      while True:
          flags = read(1)[0]
          count = struct.unpack(">Q", read(8))[0] if flags & 2 else read(1)[0]
          if not flags & 4:
              return count
          command = read(count)
          if command.startswith(b"\x04PING"):
              send(b"\x04PONG" + command[7:], 4)

  peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
  read(64)
  send(b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER", 4)
  send(wish.encode())
  while True:
      head = read(size())
      header = json.loads(head)
      if header["op"] == "opened":
          out.write(head + b"\n")
      elif header["op"] == "frame":
          whole = size()
          part = whole if count > 0 else whole // 2
          out.write(b"%d\n" % part + read(part))
          out.flush()
          count -= 1
          if part < whole:
              signal.pause()
      elif header["op"] in ("end", "error"):
          sys.exit(head.decode())
  """#
