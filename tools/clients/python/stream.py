#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams frames from flowd: stream.py [ENDPOINT [MODEL [FRAMES]]]. Needs pyzmq, nothing else."""
import hashlib, json, os, sys
import zmq

given = sys.argv[1:] + [None] * 3
socket = zmq.Context.instance().socket(zmq.DEALER)
socket.linger, socket.rcvtimeo = 0, 10_000  # milliseconds
socket.connect(given[0] or os.environ.get("FLOWD_ENDPOINT", "ipc:///run/flowd/flowd.sock"))
send = lambda **header: socket.send(json.dumps({"v": 1, **header}).encode())
send(op="models", id="1")
models = {model["name"]: model for model in json.loads(socket.recv())["models"]}
name = given[1] or next(iter(models))
actions = models.get(name, {}).get("actions", [])  # known once the model is loaded
send(op="open", id="2", model=name, frames=int(given[2] or 100), seed=7, credit=8)
digest, count = hashlib.sha256(), 0
while True:
    header, *body = socket.recv_multipart()
    header = json.loads(header)
    if header["op"] == "frame":
        digest.update(body[0])  # header["h"] rows of header["w"] RGB pixels
        if actions and count % 20 == 0:
            send(op="control", sid=header["sid"], at="next", action=actions[count // 20 % len(actions)])
        send(op="credit", sid=header["sid"], n=1)
        count += 1
        print(f"frame {header['seq']}: {header['w']}x{header['h']}, action {header['action']}")
    elif header["op"] in ("end", "error"):
        print(f"{count} frames, sha256 {digest.hexdigest()}, {header}")
        sys.exit(header["op"] == "error" or header["sha256"] != digest.hexdigest())
