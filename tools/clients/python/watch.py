#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Watches a stream that another client has opened with observe: watch.py OBSERVERS SID > video. Needs pyzmq, nothing else.

OBSERVERS is what flowd --observers was given, SID what flowctl status lists. Bytes go to standard output from where a
player may begin: watch.py ipc:///tmp/watch.sock s1 | ffplay -
"""
import json, sys
import zmq

endpoint, sid = sys.argv[1:]
socket = zmq.Context.instance().socket(zmq.SUB)
socket.linger, socket.rcvtimeo = 0, 10_000  # milliseconds
socket.connect(endpoint)
socket.subscribe(f"{sid} ".encode())
began, expected, lost = False, None, 0
while True:
    topic, header, *body = socket.recv_multipart()
    header = json.loads(header)
    if header["op"] == "opened":
        print(f"{sid}: {header['model']['name']}, {header['format']}", file=sys.stderr)
    elif header["op"] in ("frame", "media", "points"):
        is_beginning = header.get("kind") == "init"
        if is_beginning and expected is not None:
            continue  # somebody else has begun to watch
        if not is_beginning:
            lost += header["seq"] - expected if began else 0
            expected = header["seq"] + 1
            began = began or header.get("key", True)
        if began or is_beginning:
            sys.stdout.buffer.write(body[0])
            sys.stdout.buffer.flush()
    elif header["op"] == "end":
        print(f"{sid}: {header['reason']}, {lost} messages lost on the way here", file=sys.stderr)
        sys.exit(0)
