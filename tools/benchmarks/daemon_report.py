# SPDX-License-Identifier: Apache-2.0
"""The figures of the daemon's group, and their tables in docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from daemon import DaemonRun, Turn
from daemon_sides import DAEMON_SIDES

WHAT = {
    "frames-1": "the model alone, one stream",
    "frames-4": "the model alone, four streams in one step",
} | {name: side.what for name, side in DAEMON_SIDES.items()}


@dataclass(frozen=True)
class Comparison:
    """Rates of two sides, turn by turn: one against the other or, of a cost, what is missing of the other."""

    what: str
    side: str
    base: str
    goal: str = ""
    is_cost: bool = False

    def values(self, turns: dict[str, list[Turn]]) -> list[float]:
        ratios = [a.rate / b.rate for a, b in zip(turns[self.side], turns[self.base], strict=True)]
        return [1 - ratio for ratio in ratios] if self.is_cost else ratios

    def written(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.is_cost else f"{value:.2f}×"


COMPARISONS = [
    Comparison("frames of four sessions against one", "bare-4", "bare", "≥ 1.6×"),
    Comparison("the same of the model alone", "frames-4", "frames-1"),
    Comparison("cost of a session, rgb24", "bare", "frames-1", "≤ 5 %", is_cost=True),
    Comparison("cost of a session, fMP4, 64 × 48", "fmp4", "frames-1", "≤ 5 %", is_cost=True),
    Comparison("cost of a session, fMP4, 384 × 288", "fmp4-6", "frames-1", "≤ 5 %", is_cost=True),
]


def spread(values: Sequence[float]) -> dict[str, float]:
    deciles = statistics.quantiles(values, n=10, method="inclusive")
    return {"median": statistics.median(values), "p10": deciles[0], "p90": deciles[-1]}


def figures(run: DaemonRun) -> dict[str, object]:
    """What goes into the JSON: of each side and each comparison the spread over the turns, and each turn."""
    sides = {
        name: {
            "what": WHAT[name],
            "frames_per_second": spread([turn.rate for turn in turns]),
            "client_share_of_a_core": statistics.median(turn.client_share for turn in turns),
            "turns": [{"frames": turn.frames, "seconds": turn.seconds} for turn in turns],
        }
        for name, turns in run.turns.items()
    }
    comparisons = [
        {"what": c.what, "goal": c.goal, "is_cost": c.is_cost, **spread(c.values(run.turns))}
        for c in COMPARISONS
    ]
    return {"sides": sides, "comparisons": comparisons}


def tables(run: DaemonRun) -> str:
    return "\n\n".join([rates(run), comparisons(run)])


def rates(run: DaemonRun) -> str:
    lines = [
        "| who | frames a second, median | p10 to p90 | the client, of a core |",
        "| --- | --- | --- | --- |",
    ]
    for name, turns in run.turns.items():
        found = spread([turn.rate for turn in turns])
        share = statistics.median(turn.client_share for turn in turns)
        used = f"{100 * share:.1f} %" if name in DAEMON_SIDES else ""
        lines.append(
            f"| {WHAT[name]} | {found['median']:.1f} | {found['p10']:.1f} to {found['p90']:.1f} | {used} |"
        )
    return "\n".join(lines)


def comparisons(run: DaemonRun) -> str:
    lines = ["| turn by turn | median | p10 to p90 | goal |", "| --- | --- | --- | --- |"]
    for c in COMPARISONS:
        median, p10, p90 = (c.written(value) for value in spread(c.values(run.turns)).values())
        lines.append(f"| {c.what} | {median} | {p10} to {p90} | {c.goal} |")
    return "\n".join(lines)
