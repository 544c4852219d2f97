# SPDX-License-Identifier: Apache-2.0
"""One client of a soak test: streams, checks every byte against what the daemon says, and reports a line at its end.

client.py ENDPOINT TEMPER SEED NOTE: the temper is raw, encoded, points, slow or rude. Runs until it is ended by SIGTERM, after
which it finishes its stream. It may also be killed or stopped at any time: NOTE holds what it has received of its stream, and
the client that is given the same NOTE goes on from there.
"""
import hashlib
import json
import os
import random
import signal
import sys
import time

import zmq

ENDPOINT, TEMPER, SEED, NOTE = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
WISHES = {
    "raw": dict(model="doom-health-64x48", credit=8),
    "slow": dict(model="doom-health-64x48", credit=4),
    "rude": dict(model="doom-health-64x48", credit=4),
    "encoded": dict(model="doom-health-64x48", credit=8, format={"kind": "fmp4", "gop": 12}),
    "points": dict(model="earthquake", credit=4, batch=2048),
}
LEASE = 5  # seconds, as soak.py gives them to the daemon
GARBAGE = [b"", b"[1]", b"{", b"\xff\xfe", b'{"v":2,"op":"ping"}', b'{"v":1,"op":"dance"}', b'{"v":1,"op":"open"}',
           b'{"v":1,"op":"credit","sid":"s1","n":-1}', b"[" * 5000, b'{"v":1,"op":"open","model":"doom-health-64x48","frames":-1}']


class Stream:
    """What is known of a stream, noted so that another process may go on with it."""

    def __init__(self, sid, token, note):
        self.sid, self.token, self.note = sid, token, note
        self.digest, self.next = hashlib.sha256(), 0

    @staticmethod
    def opened(sid, token):
        note = open(NOTE, "wb")
        note.write(json.dumps([sid, token]).encode() + b"\n")
        note.flush()
        return Stream(sid, token, note)

    @staticmethod
    def left():
        """The stream that a process before this one left, or None. A body that was not noted whole was not received."""
        if not os.path.exists(NOTE):
            return None
        note = open(NOTE, "r+b")
        first = note.readline()
        if not first.endswith(b"\n"):
            return None
        stream = Stream(*json.loads(first), note)
        while True:
            place = note.tell()
            size = note.read(4)
            body = note.read(int.from_bytes(size, "big"))
            if len(size) < 4 or len(body) < int.from_bytes(size, "big"):
                note.seek(place)
                note.truncate()
                return stream
            stream.count(body)

    def take(self, header, body):
        if header["seq"] != self.next:
            raise SystemExit(f"LOST message {self.next} of {self.sid}: {header['seq']} came")
        self.note.write(len(body).to_bytes(4, "big") + body)
        self.note.flush()
        self.count(body)

    def count(self, body):
        self.digest.update(body)
        self.next += 1

    def forget(self):
        self.note.close()
        os.remove(NOTE)


def main():
    rng = random.Random(SEED)
    wanted = {"stop": False}
    signal.signal(signal.SIGTERM, lambda *_: wanted.update(stop=True))
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5000)
    socket.connect(ENDPOINT)
    send = lambda **header: socket.send(json.dumps({"v": 1, **header}).encode())
    tally = dict(streams=0, messages=0, resumed=0, refused={}, intervals=[])
    try:
        while not wanted["stop"]:
            run(socket, send, rng, wanted, tally)
    finally:
        print(json.dumps(tally), flush=True)


def begin(send, rng):
    """Goes on with the stream that a process before this one left, or opens one."""
    stream = Stream.left()
    if stream:
        resume = dict(sid=stream.sid, token=stream.token, from_seq=stream.next, takeover=True)
        send(op="open", id="o", resume=resume, credit=WISHES[TEMPER]["credit"])
        return stream
    wish = dict(WISHES[TEMPER], seed=rng.randrange(2**64))
    length = rng.randrange(20, 120)
    wish["points" if TEMPER == "points" else "frames"] = length * (2048 if TEMPER == "points" else 1)
    send(op="open", id="o", **wish)
    return None


def run(socket, send, rng, wanted, tally):
    stream, last = begin(send, rng), None
    is_resumed = stream is not None
    left = os.path.getmtime(NOTE) if is_resumed else 0.0
    while True:
        if not socket.poll(20_000):
            raise SystemExit("SILENT for 20 seconds")
        head, *body = socket.recv_multipart()
        header = json.loads(head)
        op = header["op"]
        if op == "opened":
            stream = stream or Stream.opened(header["sid"], header["token"])
        elif op in ("frame", "media", "points"):
            stream.take(header, body[0])
            tally["messages"] += 1
            now = time.monotonic()
            if last is not None and TEMPER == "raw" and len(tally["intervals"]) < 100_000:
                tally["intervals"].append(round(1000 * (now - last), 2))
            last = now
            if TEMPER == "slow" and rng.random() < 0.05:
                time.sleep(rng.random())
                last = None
            if TEMPER == "rude" and rng.random() < 0.3:
                socket.send(rng.choice(GARBAGE))
            send(op="credit", sid=stream.sid, n=1)
        elif op == "end":
            if header["reason"] == "done" and header["sha256"] != stream.digest.hexdigest():
                raise SystemExit(f"WRONG digest of {stream.sid}")
            if header["reason"] not in ("done", "drained", "cancelled"):
                raise SystemExit(f"ENDED {stream.sid}: {header}")
            stream.forget()
            tally["streams"] += 1
            tally["resumed"] += is_resumed
            return
        elif op == "error":
            code = header["code"]
            tally["refused"][code] = tally["refused"].get(code, 0) + 1
            if header.get("id") == "o":
                if is_resumed:
                    if code == "gone" and time.time() - left < LEASE - 1:
                        raise SystemExit(f"GONE: {stream.next} of {stream.sid}: {header}")
                    stream.forget()  # Its lease has run out.
                time.sleep(0.2)
                return


main()
