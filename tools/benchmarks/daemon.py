# SPDX-License-Identifier: Apache-2.0
"""What the daemon costs: the model alone and the daemon's sessions take turns, A B C … A B C …

Needs the standard library alone and, for the client, which is a process of its own, pyzmq.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from daemon_process import running_daemon
from daemon_sides import DAEMON_SIDES, MODEL
from line_process import LineProcess
from session import HERE, Entrant, Session

# Debian's, which has pyzmq by tools/setup.
CLIENT_PYTHON = "/usr/bin/python3"
TURN_S = 1.0
# By then what spins after a run sleeps, and the frame at which a stream was cancelled is over.
PAUSE_S = 0.05
# How many times its warm-up a side runs to learn how much a turn holds.
TRIAL = 4


@dataclass(frozen=True)
class Turn:
    frames: int
    seconds: float
    client_share: float = 0  # of a core

    @property
    def rate(self) -> float:
        return self.frames / self.seconds


@dataclass(frozen=True)
class Side:
    """Who takes a turn of so many steps of the model, or messages of each stream."""

    name: str
    warmup: int
    turn: Callable[[int], Turn]


@dataclass(frozen=True)
class DaemonRun:
    turns: dict[str, list[Turn]]
    versions: dict[str, str]


def measure_daemon(flowbench: Path, flowd: Path, turns: int) -> DaemonRun:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowbench-")))
        endpoint = stack.enter_context(running_daemon(flowd, folder))
        client = LineProcess(
            "the client", [CLIENT_PYTHON, str(HERE / "daemon_client.py"), endpoint], folder / "client.log"
        )
        stack.callback(client.close)
        models = {}
        for streams in (1, 4):
            models[streams] = model_alone(flowbench, streams, folder)
            stack.callback(models[streams].close)
        first = {streams: digests(session.results(folder)) for streams, session in models.items()}
        sides = [model_side(session, streams) for streams, session in models.items()]
        sides += [daemon_side(client, name, first) for name in DAEMON_SIDES]
        return DaemonRun(take_turns(sides, turns), client.ready["versions"])


def model_alone(flowbench: Path, streams: int, folder: Path) -> Session:
    """A process that makes frames without a daemon, in the precision that the model is shipped with."""
    case = f"frames-{streams}"
    file = folder / f"{case}.safetensors"
    subprocess.run([flowbench, "export", case, "--to", file], check=True)
    precision = json.loads(Path("models", MODEL, "model.json").read_text())["precision"]
    return Session(Entrant("model", precision), flowbench, case, file, folder / f"{case}.log", False)


def digests(path: Path) -> list[str]:
    """SHA-256 of the pictures of each stream, which stand in a safetensors file as float32."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    entries = {name: entry for name, entry in json.loads(content[8:start]).items() if name != "__metadata__"}
    ranges = [[start + offset for offset in entries[name]["data_offsets"]] for name in sorted(entries)]
    return [hashlib.sha256(bytes(map(int, array("f", content[a:b])))).hexdigest() for a, b in ranges]


def model_side(session: Session, streams: int) -> Side:
    warmup = 8

    def turn(steps: int) -> Turn:
        milliseconds = session.time(steps, warmup)
        return Turn(steps * streams, sum(milliseconds) / 1000)

    return Side(session.case, warmup, turn)


def daemon_side(client: LineProcess, name: str, first: dict[int, list[str]]) -> Side:
    side = DAEMON_SIDES[name]
    expected = first[side.streams] if side.kind == "rgb24" else []

    def turn(messages: int) -> Turn:
        said = client.ask(f"turn {name} {messages}")
        if expected and said["digests"] != expected:
            raise RuntimeError(f"{name}: the daemon's frames are not those of the model alone")
        return Turn(said["frames"], said["seconds"], said["client_share"])

    return Side(name, side.warmup, turn)


def take_turns(sides: list[Side], turns: int) -> dict[str, list[Turn]]:
    """Turns of about a second, each side's all of the same work."""
    amounts = [amount(side) for side in sides]
    taken: dict[str, list[Turn]] = {side.name: [] for side in sides}
    for number in range(turns):
        print(f"daemon: turn {number + 1} of {turns}", file=sys.stderr)
        for side, steps in zip(sides, amounts, strict=True):
            taken[side.name].append(side.turn(steps))
            time.sleep(PAUSE_S)
    return taken


def amount(side: Side) -> int:
    """The steps or messages of a turn."""
    steps = TRIAL * side.warmup
    seconds = side.turn(steps).seconds
    time.sleep(PAUSE_S)
    return max(1, round(steps * TURN_S / seconds))
