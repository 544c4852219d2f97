# SPDX-License-Identifier: Apache-2.0
"""The peers' end of the line protocol: the same as that of `flowbench serve`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from priority import real_time

# Libraries print to standard output: the protocol keeps it to itself and sends them to standard error.
PROTOCOL = os.fdopen(os.dup(sys.stdout.fileno()), "w")
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


@dataclass(frozen=True)
class Contender:
    """A peer made ready for a case, in one of the settings that it may run in."""

    settings: str
    run: Callable[[], object]  # a step of training returns its loss
    results: Callable[[], Mapping[str, Tensor]]
    restart: Callable[[], None] = lambda: None  # forgets the runs so far


def timed(run: Callable[[], object], count: int) -> tuple[list[float], list[float]]:
    """The milliseconds of each run, and the losses that they returned."""
    times, losses = [], []
    for _ in range(count):
        start = time.perf_counter()
        result = run()
        times.append((time.perf_counter() - start) * 1e3)
        if isinstance(result, float):
            losses.append(result)
    return times, losses


def fastest(
    candidates: Iterable[Callable[[], Contender]], said: argparse.Namespace, warmup: int = 5, runs: int = 30
) -> Contender:
    """Makes each candidate ready in turn and keeps the one with the shortest run: no peer is held back by settings."""
    best: tuple[float, Contender] | None = None
    for make in candidates:
        contender = make()
        with real_time(os.getpid()) if said.real_time else nullcontext():
            timed(contender.run, warmup)
            shortest = min(timed(contender.run, runs)[0])
        print(f"{contender.settings}: {shortest:.2f} ms", file=sys.stderr)
        if best is None or shortest < best[0]:
            best = (shortest, contender)
    assert best is not None, "no settings to choose from"
    return best[1]


def arguments(description: str) -> argparse.Namespace:
    """CASE --variant NAME --input FILE [--real-time]."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("case")
    parser.add_argument("--variant", required=True)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--real-time", action="store_true")
    return parser.parse_args()


def serve(contender: Contender) -> None:
    """Obeys 'output PATH', 'time COUNT' and 'quit' from standard input."""
    contender.restart()
    answer(ready=True, settings=contender.settings)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "output":
            save_file({name: x.contiguous().float() for name, x in contender.results().items()}, argument)
            answer(done=True)
        elif command == "time":
            times, losses = timed(contender.run, int(argument))
            answer(ms=times, losses=losses)
        elif command == "quit":
            return
        else:
            raise SystemExit(f"no command '{line.strip()}'; say output PATH, time COUNT or quit")


def answer(**fields: object) -> None:
    print(json.dumps(fields), file=PROTOCOL, flush=True)
