# SPDX-License-Identifier: Apache-2.0
"""One stream of a tiny model for very many frames, and what it costs at its end against its beginning: endurance.py FRAMES.

Fails if a frame is missing, if the digest is not the daemon's, or if memory grew by more than 1 MiB after the first tenth.
"""
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import zmq

FRAMES = int(sys.argv[1])
PARTS = 20
CREDIT = 64


def resident(pid):
    """MiB of a process in memory."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    folder = tempfile.mkdtemp()
    subprocess.run([".build/release/flowbench", "tiny", f"{folder}/models"], check=True)
    endpoint = f"ipc://{folder}/s"
    daemon = subprocess.Popen(
        [".build/release/flowd", "--bind", endpoint, "--models", f"{folder}/models", "--manifolds", folder],
        stdout=subprocess.PIPE, stderr=open(f"{folder}/log", "w"), text=True)
    try:
        assert daemon.stdout.readline().startswith("flowd is ready"), f"flowd did not start: {folder}/log"
        parts = stream(endpoint, daemon.pid)
    finally:
        daemon.send_signal(signal.SIGTERM)
        status = daemon.wait(timeout=30)
    memory = [part["resident"] for part in parts]
    growth = max(memory[PARTS // 10:]) - memory[PARTS // 10 - 1]
    half = PARTS // 2
    first, last = (statistics.median(part["step"] for part in run) for run in (parts[:half], parts[half:]))
    print(f"{FRAMES} frames, all in their places, digest as the daemon's; flowd ended with {status}")
    print(f"a step: {1000 * first:.1f} µs in the first half, {1000 * last:.1f} µs in the second, medians of {half} medians")
    print(f"resident: {memory[0]:.1f} MiB at the start, {memory[-1]:.1f} at the end, {growth:+.2f} after the first tenth")
    sys.exit(0 if growth <= 1 and status == 0 else 1)


def stream(endpoint, pid):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger, socket.rcvtimeo = 0, 20_000
    socket.connect(endpoint)
    send = lambda **header: socket.send(json.dumps({"v": 1, **header}).encode())
    send(op="open", id="o", model="tiny", frames=FRAMES, seed=1, credit=CREDIT, actions=[["left", 7], ["stay", 5]])
    digest, count, parts, steps, start = hashlib.sha256(), 0, [], [], time.monotonic()
    while True:
        head, *body = socket.recv_multipart()
        header = json.loads(head)
        if header["op"] == "frame":
            assert header["seq"] == count, f"frame {count} is missing: {header}"
            digest.update(body[0])
            steps.append(header["gen_ms"])
            count += 1
            if count % (CREDIT // 2) == 0:
                send(op="credit", sid=header["sid"], n=CREDIT // 2)
            if count % (FRAMES // PARTS) == 0:
                part = dict(resident=resident(pid), step=statistics.median(steps))
                parts.append(part)
                rate = len(steps) / (time.monotonic() - start)
                print(f"{count:9d} frames: {rate:6.0f} a second, step {1000 * part['step']:.1f} µs, "
                      f"{part['resident']:.2f} MiB", flush=True)
                steps, start = [], time.monotonic()
        elif header["op"] == "end":
            assert header["reason"] == "done" and header["frames"] == count == FRAMES, header
            assert header["sha256"] == digest.hexdigest(), "another digest"
            return parts
        elif header["op"] == "error":
            sys.exit(f"refused: {header}")


main()
