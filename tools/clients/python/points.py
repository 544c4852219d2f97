#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams points on a manifold from flowd and draws them: points.py [ENDPOINT [MODEL [COUNT [MAP.svg]]]].

Needs pyzmq, nothing else. The first two coordinates are drawn, of a sphere longitude and latitude.
"""
import array, hashlib, json, math, os, sys
import zmq

default = [os.environ.get("FLOWD_ENDPOINT", "ipc:///run/flowd/flowd.sock"), "earthquake", "10000", "points.svg"]
endpoint, model, count, path = sys.argv[1:] + default[len(sys.argv) - 1 :]
socket = zmq.Context.instance().socket(zmq.DEALER)
socket.linger, socket.rcvtimeo = 0, 10_000  # milliseconds
socket.connect(endpoint)
send = lambda **header: socket.send(json.dumps({"v": 1, **header}).encode())
send(op="open", id="1", model=model, points=int(count), nfe=1, seed=7, credit=8)
digest, points = hashlib.sha256(), []
while True:
    header, *body = socket.recv_multipart()
    header = json.loads(header)
    if header["op"] == "opened":
        geometry = header["geometry"]
    elif header["op"] == "points":
        digest.update(body[0])
        rows, width = header["shape"]  # float32, row by row; header["coordinates"] names the columns
        numbers = array.array("f", body[0])  # numpy.frombuffer(body[0], "<f4").reshape(header["shape"]) does as well
        points += [numbers[row * width : (row + 1) * width] for row in range(rows)]
        send(op="credit", sid=header["sid"], n=1)
    elif header["op"] == "end":
        break
    elif header["op"] == "error":
        sys.exit(str(header))


def place(x):
    """Across and up, each in -1...1."""
    if geometry == "sphere(2)":
        return math.atan2(x[1], x[0]) / math.pi, math.asin(max(-1, min(1, x[2]))) * 2 / math.pi
    if geometry.startswith("torus"):
        return tuple((angle / math.pi + 1) % 2 - 1 for angle in x[:2])
    return (*x, 0)[:2]


dots = "".join(f"M{360 + 360 * a:.1f} {180 - 180 * b:.1f}h0" for a, b in map(place, points))
with open(path, "w") as file:
    file.write(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360"><rect width="720" height="360" fill="#fff"/>'
        f'<path d="{dots}" stroke="#1c627a" stroke-width="2" stroke-linecap="round" stroke-opacity=".4"/></svg>\n'
    )
print(f"{len(points)} points of {geometry}, sha256 {digest.hexdigest()}, {header}")
sys.exit(header["sha256"] != digest.hexdigest())
