# SPDX-License-Identifier: Apache-2.0
"""One client of a soak test: streams, checks every byte against what the daemon says, and reports a line at its end.

client.py ENDPOINT TEMPER SEED: the temper is raw, encoded, points, slow or rude. Runs until it is ended by SIGTERM, after
which it finishes its stream; it may also be killed or stopped at any time, and its successor resumes what it left.
"""
import hashlib
import json
import os
import random
import signal
import sys
import time

import zmq

ENDPOINT, TEMPER, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3])
NOTE = sys.argv[4] if len(sys.argv) > 4 else None
WISHES = {
    "raw": dict(model="doom-health-64x48", credit=8),
    "slow": dict(model="doom-health-64x48", credit=4),
    "rude": dict(model="doom-health-64x48", credit=4),
    "encoded": dict(model="doom-health-64x48", credit=8, format={"kind": "fmp4", "gop": 12}),
    "points": dict(model="earthquake", credit=4, batch=2048),
}
GARBAGE = [b"", b"[1]", b"{", b"\xff\xfe", b'{"v":2,"op":"ping"}', b'{"v":1,"op":"dance"}', b'{"v":1,"op":"open"}',
           b'{"v":1,"op":"credit","sid":"s1","n":-1}', b"[" * 5000, b'{"v":1,"op":"open","model":"doom-health-64x48","frames":-1}']


class Stream:
    """What is known of a stream, and what is wrong with it."""

    def __init__(self):
        self.sid = self.token = None
        self.digest, self.next, self.count = hashlib.sha256(), 0, 0

    def take(self, header, body):
        if header["seq"] != self.next:
            raise SystemExit(f"LOST message {self.next} of {self.sid}: {header['seq']} came")
        self.digest.update(body)
        self.next += 1
        self.count += header.get("shape", [1])[0]


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


def begin(send, rng, tally):
    """Opens a stream, or goes on with the one that a client before this one left."""
    wish = dict(WISHES[TEMPER], seed=rng.randrange(2**64))
    length = rng.randrange(20, 120)
    wish["points" if TEMPER == "points" else "frames"] = length * (2048 if TEMPER == "points" else 1)
    send(op="open", id="o", **wish)


def run(socket, send, rng, wanted, tally):
    stream, last = Stream(), None
    begin(send, rng, tally)
    while True:
        if not socket.poll(20_000):
            raise SystemExit("SILENT for 20 seconds")
        head, *body = socket.recv_multipart()
        header = json.loads(head)
        op = header["op"]
        if op == "opened":
            stream.sid, stream.token = header["sid"], header["token"]
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
            tally["streams"] += 1
            return
        elif op == "error":
            code = header["code"]
            tally["refused"][code] = tally["refused"].get(code, 0) + 1
            if header.get("id") == "o":
                time.sleep(0.2)
                return


main()
