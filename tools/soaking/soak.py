# SPDX-License-Identifier: Apache-2.0
"""Runs flowd under clients of every temper, reloads and signals, and reports: soak.py SECONDS CLIENTS."""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import zmq

SECONDS, CLIENTS = float(sys.argv[1]), int(sys.argv[2])
TEMPERS = ["raw"] * 6 + ["encoded"] * 4 + ["points"] * 3 + ["slow"] * 2 + ["rude"]
HERE = os.path.dirname(os.path.abspath(__file__))


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def slope(samples):
    """Bytes a minute, by least squares."""
    n = len(samples)
    if n < 2:
        return 0.0
    mt, mb = sum(t for t, _ in samples) / n, sum(b for _, b in samples) / n
    top = sum((t - mt) * (b - mb) for t, b in samples)
    return 60 * top / sum((t - mt) ** 2 for t, _ in samples)


def thirds(samples):
    """The samples in three parts."""
    n = len(samples) // 3
    return samples[:n], samples[n : 2 * n], samples[2 * n :]


class Client:
    """A client process, what it said, and whether somebody is about to be unkind to it."""

    def __init__(self, endpoint, temper, seed, note):
        self.temper, self.note, self.is_victim = temper, note, False
        self.process = subprocess.Popen([sys.executable, f"{HERE}/client.py", endpoint, temper, str(seed), note],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def leave(self, tally):
        out, err = self.process.communicate(timeout=60)
        if self.process.returncode not in (0, -signal.SIGKILL) or (err.strip() and not self.is_victim):
            tally["faults"].append(f"{self.temper}: {err.strip().splitlines()[-1] if err.strip() else self.process.returncode}")
        if out.strip():
            said = json.loads(out)
            tally["streams"] += said["streams"]
            tally["messages"] += said["messages"]
            tally["resumed"] += said["resumed"]
            tally["intervals"] += said["intervals"]
            for code, count in said["refused"].items():
                tally["refused"][code] = tally["refused"].get(code, 0) + count


def torment(daemon, endpoint, clients, tally, rng, until):
    """Kills, stops and replaces clients; reloads models and settings."""
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    seed = 10_000
    while time.monotonic() < until:
        time.sleep(rng.random())
        index = rng.randrange(len(clients))
        act = rng.random()
        if act < 0.5:
            victim = clients[index]
            victim.is_victim = True
            victim.process.send_signal(signal.SIGKILL)
            victim.leave(tally)
            seed += 1
            clients[index] = Client(endpoint, victim.temper, seed, victim.note)
            tally["killed"] += 1
        elif act < 0.7:
            victim = clients[index]
            victim.is_victim = True
            victim.process.send_signal(signal.SIGSTOP)
            time.sleep(rng.choice([0.1, 0.5, 5]))
            victim.process.send_signal(signal.SIGKILL)
            victim.process.send_signal(signal.SIGCONT)
            victim.leave(tally)
            seed += 1
            clients[index] = Client(endpoint, victim.temper, seed, victim.note)
            tally["stopped"] += 1
        elif act < 0.85:
            daemon.send_signal(signal.SIGHUP)
            tally["hangups"] += 1
        else:
            socket.send(json.dumps(dict(v=1, op="reload", model=rng.choice(["doom-health-64x48", "earthquake"]))).encode())
            tally["reloads"] += 1


def metric(address, name):
    text = urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and line[len(name)] in " {")


def is_ready(address):
    try:
        return urllib.request.urlopen(f"http://{address}/readyz", timeout=10).status == 200
    except urllib.error.HTTPError:
        return False


def main():
    folder = tempfile.mkdtemp()
    endpoint = f"ipc://{folder}/s"
    log = open(f"{folder}/log", "w")
    daemon = subprocess.Popen(
        [".build/release/flowd", "--bind", endpoint, "--max-sessions", "24", "--max-queue", "200", "--lease", "5",
         "--idle-timeout", "30", "--http", "127.0.0.1:0", "--log-format", "json"],
        stdout=subprocess.PIPE, stderr=log, text=True)
    assert daemon.stdout.readline().startswith("flowd is ready"), "flowd did not start"
    address = next(json.loads(line)["address"] for line in open(f"{folder}/log") if '"address"' in line)
    while not is_ready(address):
        time.sleep(0.1)
    fresh = resident(daemon.pid)
    tally = dict(streams=0, messages=0, resumed=0, refused={}, intervals=[], faults=[], killed=0, stopped=0, hangups=0, reloads=0)
    clients = [Client(endpoint, TEMPERS[i % len(TEMPERS)], i, f"{folder}/{i}") for i in range(CLIENTS)]
    begin = time.monotonic()
    worker = threading.Thread(target=torment, args=(daemon, endpoint, clients, tally, random.Random(1), begin + SECONDS))
    worker.start()
    samples = []
    while worker.is_alive():
        time.sleep(2)
        if daemon.poll() is not None:
            print(f"flowd ended with {daemon.returncode}; its log is {folder}/log")
            sys.exit(1)
        if time.monotonic() - begin > SECONDS / 4:
            samples.append((time.monotonic(), resident(daemon.pid)))
        if sys.stdout.isatty():
            print(f"\r{time.monotonic() - begin:.0f} s, {tally['killed']} killed, {resident(daemon.pid) >> 20} MiB", end="", flush=True)
    for client in clients:
        client.process.send_signal(signal.SIGTERM)
    for client in clients:
        client.leave(tally)
    deadline = time.monotonic() + 30
    while metric(address, "flowd_sessions") > 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    left, cache = metric(address, "flowd_sessions"), metric(address, "flowd_kv_bytes")
    time.sleep(5)  # for flowd to see that nobody is left
    empty = resident(daemon.pid)
    daemon.send_signal(signal.SIGTERM)
    status = daemon.wait(timeout=30)
    intervals = sorted(tally["intervals"])
    at = lambda share: intervals[int(share * (len(intervals) - 1))] if intervals else float("nan")
    print(f"""
{SECONDS:.0f} s, {CLIENTS} clients: {tally['streams']} streams whole, {tally['messages']} messages, each with its place and its digest
{tally['resumed']} of these streams begun by a process that was killed, and taken up by another
clients killed {tally['killed']}, stopped and killed {tally['stopped']}; SIGHUP {tally['hangups']}, models loaded anew {tally['reloads']}
answers of refusal: {tally['refused']}
interval of frames of raw clients: median {at(.5):.1f} ms, p99 {at(.99):.1f} ms
resident: {samples[-1][1] / 2**20:.1f} MiB at the end; a minute {", ".join(f"{slope(part) / 2**10:+.0f} KiB" for part in thirds(samples))} in the second, third and last quarter
with no session: {fresh / 2**20:.1f} MiB at the start, {empty / 2**20:.1f} MiB at the end
sessions left {left:.0f}, bytes of caches left {cache:.0f}; flowd ended with {status}
faults: {tally['faults'] or 'none'}""")
    sys.exit(0 if not tally["faults"] and left == 0 and cache == 0 and status == 0 else 1)


main()
