# SPDX-License-Identifier: Apache-2.0
"""The client that the daemon is measured with: `daemon_client.py ENDPOINT` obeys 'turn SIDE MESSAGES'.

It runs on the cores that the daemon runs on, so it does little: it counts what comes and gives credit eight
messages at a time. Between turns no session is open, and the daemon computes nothing.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time

import zmq

from daemon_sides import COMPARED, DAEMON_SIDES, MODEL, DaemonSide

# More than the daemon makes while credit is on its way: it never waits for any.
CREDIT = 64
GIVEN_AT_ONCE = 8
SILENCE_MS = 60_000
FRAME = b'{"v":1,"op":"frame"'


class Stream:
    """A connection, and the session that is open on it."""

    def __init__(self, endpoint: str) -> None:
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvtimeo = SILENCE_MS
        self.socket.connect(endpoint)

    def send(self, **header: object) -> None:
        self.socket.send(json.dumps({"v": 1, **header}).encode())

    def open(self, side: DaemonSide, seed: int) -> None:
        """Asks for a stream without end."""
        self.session = ""
        self.messages = self.frames = 0
        self.digest = hashlib.sha256()
        wish = {"kind": side.kind, "scale": side.scale}
        self.send(op="open", id="open", model=MODEL, seed=seed, credit=CREDIT, format=wish)

    def receive(self) -> None:
        head, *body = self.socket.recv_multipart()
        # A bare frame is known by how its header begins: to read it all would be most of what the client does.
        if head.startswith(FRAME):
            if self.messages < COMPARED:
                self.digest.update(body[0])
            return self.count(1)
        header = json.loads(head)
        match header["op"]:
            case "opened":
                self.session = header["sid"]
            case "media":
                self.count(header["dur"])
            case "error" | "end":
                raise SystemExit(f"the daemon ended a stream: {header}")

    def count(self, frames: int) -> None:
        self.messages += 1
        self.frames += frames
        if self.messages % GIVEN_AT_ONCE == 0:
            self.send(op="credit", sid=self.session, n=GIVEN_AT_ONCE)

    def cancel(self) -> None:
        self.send(op="cancel", sid=self.session)

    def await_end(self) -> None:
        while json.loads(self.socket.recv_multipart()[0])["op"] != "end":
            pass


def receive(streams: list[Stream], messages: int) -> None:
    """Receives until each stream has brought so many since it was opened; those that are ahead go on."""
    if len(streams) == 1:
        while streams[0].messages < messages:
            streams[0].receive()
        return
    poller = zmq.Poller()
    by_socket = {stream.socket: stream for stream in streams}
    for socket in by_socket:
        poller.register(socket, zmq.POLLIN)
    while any(stream.messages < messages for stream in streams):
        arrived = poller.poll(SILENCE_MS)
        if not arrived:
            raise SystemExit(f"nothing has come from the daemon for {SILENCE_MS / 1000:.0f} s")
        for socket, _ in arrived:
            by_socket[socket].receive()


def turn(side: DaemonSide, streams: list[Stream], messages: int) -> dict[str, object]:
    """Frames of all streams and their seconds, from when each has warmed up until each has brought `messages`."""
    for seed, stream in enumerate(streams, start=1):
        stream.open(side, seed)
    receive(streams, side.warmup)
    frames = sum(stream.frames for stream in streams)
    used, begun = time.process_time(), time.perf_counter()
    receive(streams, side.warmup + messages)
    seconds = time.perf_counter() - begun
    used = time.process_time() - used
    frames = sum(stream.frames for stream in streams) - frames
    for stream in streams:
        stream.cancel()
    for stream in streams:
        stream.await_end()
    digests = [stream.digest.hexdigest() for stream in streams]
    return {"frames": frames, "seconds": seconds, "client_share": used / seconds, "digests": digests}


def answer(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    streams = [Stream(sys.argv[1]) for _ in range(max(side.streams for side in DAEMON_SIDES.values()))]
    versions = {
        "python": platform.python_version(),
        "pyzmq": zmq.pyzmq_version(),
        "libzmq": zmq.zmq_version(),
    }
    answer(ready=True, versions=versions)
    for line in sys.stdin:
        _, name, messages = line.split()
        side = DAEMON_SIDES[name]
        answer(**turn(side, streams[: side.streams], int(messages)))


if __name__ == "__main__":
    main()
