#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams frames from flowd: stream.py [ENDPOINT [MODEL [FRAMES]]]. Needs pyzmq, nothing else."""
import hashlib, json, os, sys
import zmq

default = [os.environ.get("FLOWD_ENDPOINT", "ipc:///run/flowd/flowd.sock"), "doom-health-64x48", "100"]
endpoint, model, frames = sys.argv[1:] + default[len(sys.argv) - 1 :]
socket = zmq.Context.instance().socket(zmq.DEALER)
socket.linger, socket.rcvtimeo = 0, 10_000  # milliseconds
socket.connect(endpoint)
send = lambda **header: socket.send(json.dumps({"v": 1, **header}).encode())
send(op="open", id="1", model=model, frames=int(frames), seed=7, credit=8)
digest, count, actions = hashlib.sha256(), 0, []
while True:
    header, *body = socket.recv_multipart()
    header = json.loads(header)
    if header["op"] == "opened":
        send(op="models", id="2")  # the model is loaded now, so that its actions are listed
    elif header["op"] == "models":
        actions = next(entry["actions"] for entry in header["models"] if entry["name"] == model)
    elif header["op"] == "frame":
        digest.update(body[0])  # header["h"] rows of header["w"] RGB pixels
        if actions and count % 20 == 10:
            send(op="control", sid=header["sid"], at="next", action=actions[count // 20 % len(actions)])
        send(op="credit", sid=header["sid"], n=1)
        count += 1
        print(f"frame {header['seq']}: {header['w']}x{header['h']}, action {header['action']}")
    elif header["op"] in ("end", "error"):
        print(f"{count} frames, sha256 {digest.hexdigest()}, {header}")
        sys.exit(header["op"] == "error" or header["sha256"] != digest.hexdigest())
