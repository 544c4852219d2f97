# SPDX-License-Identifier: Apache-2.0
"""Compares what all who run a case make of it, then lets them take turns: A B C A B C …"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from cases import Case
from neighbour import busy_neighbour
from session import Session

# What float32 may differ by from float32.
TOLERANCE = 1e-4
TURN_MS = 250.0
PAUSE_S = 0.02


@dataclass(frozen=True)
class Options:
    turns: int
    real_time: bool
    losses: int


@dataclass(frozen=True)
class Row:
    case: str
    peer: str
    precision: str
    median_ms: float
    p10_ms: float
    p90_ms: float
    min_ms: float
    p99_ms: float
    spread: float  # p90 − p10, in milliseconds
    error: float  # relative L2 against the first peer
    runs: int
    settings: str
    remarks: Mapping[str, float]
    p99_beside_neighbour_ms: float | None  # with one core taken by another process
    losses: list[float]  # of steps 8 on of a training, if they were asked for, of the fastest of each side


def relative_error(results: Mapping[str, Any], expected: Mapping[str, Any], base: Any) -> float:
    """‖y − y₀‖/‖y₀ − base‖, tensors of one first name taken together, the worst of them."""
    assert results.keys() == expected.keys(), f"results {sorted(results)} for {sorted(expected)}"
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name in expected:
        y, y0 = results[name].astype(np.float64), expected[name].astype(np.float64)
        together = sums[name.split(".")[0]]
        together[0] += np.square(y - y0).sum()
        together[1] += np.square(y0 - base).sum()
    return max((difference / size) ** 0.5 for difference, size in sums.values())


def base_of(inputs: Mapping[str, Any], expected: Mapping[str, Any]) -> Any:
    """What a generator adds its change to: errors are relative to the change."""
    if "input.previous" not in inputs:
        return 0.0
    return inputs["input.previous"][-len(expected["output"]) :].astype(np.float64)


def row(
    case: Case,
    session: Session,
    error: float,
    losses: list[float],
    times: list[float],
    neighboured: list[float],
) -> Row:
    percentiles = statistics.quantiles(times, n=100, method="inclusive")
    p10, p90, p99 = (percentiles[n - 1] for n in (10, 90, 99))
    return Row(
        case.name,
        session.entrant.peer,
        session.entrant.precision,
        median_ms=statistics.median(times),
        p10_ms=p10,
        p90_ms=p90,
        min_ms=min(times),
        p99_ms=p99,
        spread=p90 - p10,
        error=error,
        runs=len(times),
        settings=session.ready.get("settings", ""),
        remarks=session.ready.get("remarks", {}),
        losses=losses,
        p99_beside_neighbour_ms=(
            statistics.quantiles(neighboured, n=100, method="inclusive")[98] if neighboured else None
        ),
    )


def beside_neighbour(session: Session, median: float) -> list[float]:
    """Times of our own steps with one core taken, of 3 s or more: in a shorter time one turn of another sets the p99."""
    if session.entrant.script or not session.case.startswith("generator"):
        return []
    session.comes_first = False
    with busy_neighbour():
        return session.time(max(300, round(3000 / median)))


def fastest_of_side(sessions: list[Session], medians: list[float]) -> list[bool]:
    """Whether each is about the fastest of its side, ours or the peers': whose precision is chosen, if it can train."""
    best: dict[bool, float] = {}
    sides = [session.entrant.script is None for session in sessions]
    for side, median in zip(sides, medians, strict=True):
        best[side] = min(best.get(side, median), median)
    return [median <= 1.1 * best[side] for side, median in zip(sides, medians, strict=True)]


def compared(case: Case, sessions: list[Session], inputs: Mapping[str, Any], folder: Path) -> list[float]:
    """The errors against the first; ends the run where two float32 differ, which are not the same model then."""
    results = [load_file(session.results(folder)) for session in sessions]
    base = base_of(inputs, results[0])
    errors = [relative_error(result, results[0], base) for result in results]
    for session, error in zip(sessions, errors, strict=True):
        entrant = session.entrant
        if entrant.precision == "float32" and not error < TOLERANCE:
            raise RuntimeError(
                f"{case.name}: {entrant.peer} float32 differs by {error:.1e}: not the same model"
            )
    return errors


def measure(case: Case, flowbench: Path, options: Options) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="flowbench-") as name:
        folder = Path(name)
        file = folder / "case.safetensors"
        subprocess.run([flowbench, "export", case.name, "--to", file], check=True)
        sessions: list[Session] = []
        try:
            for index, entrant in enumerate(case.entrants):
                print(f"{case.name}: making {entrant.peer} {entrant.precision} ready", file=sys.stderr)
                log = folder / f"{index}.log"
                sessions.append(Session(entrant, flowbench, case.name, file, log, options.real_time))
            errors = compared(case, sessions, load_file(file), folder)
            medians = [statistics.median(session.time(5)) for session in sessions]
            losses = [
                session.losses(options.losses) if fast else []
                for session, fast in zip(sessions, fastest_of_side(sessions, medians), strict=True)
            ]
            times: list[list[float]] = [[] for _ in sessions]
            counts = [round(TURN_MS / median) for median in medians]
            for _ in range(options.turns):
                for session, count, mine in zip(sessions, counts, times, strict=True):
                    mine += session.time(min(max(count, 4), 200))
                    time.sleep(PAUSE_S)  # what spins after a run goes to sleep
            neighboured = [
                beside_neighbour(session, median) for session, median in zip(sessions, medians, strict=True)
            ]
            all_of_each = zip(sessions, errors, losses, times, neighboured, strict=True)
            return [row(case, *each) for each in all_of_each]
        finally:
            for session in sessions:
                session.close()
