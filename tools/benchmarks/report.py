# SPDX-License-Identifier: Apache-2.0
"""The JSON of a run, and its table in docs/performance.md."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from measure import Row  # and with it what only the peers need

PACKAGES = ["torch", "openvino", "nncf", "onnxruntime", "onnx", "numpy"]
BEGIN, END = "<!-- tools/bench begins: {} -->", "<!-- tools/bench ends: {} -->"


def machine(packages: Iterable[str] = PACKAGES) -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    described = dict(line.split("\t: ", 1) for line in lines if "\t: " in line)
    flags = described.get("flags", "").split()
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "processor": described.get("model name", platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": [flag for flag in flags if flag.startswith(("avx", "amx", "fma"))],
        "date": datetime.date.today().isoformat(),
        "commit": commit.stdout.strip(),
        "load_average": os.getloadavg()[0],
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in packages},
    }


def heading(said: dict[str, object]) -> str:
    """Where figures were taken, in a line."""
    versions = ", ".join(f"{name} {version}" for name, version in said["versions"].items())
    return f"{said['processor']}, {said['cores']} cores, {said['date']}; {versions}."


def table(rows: Iterable[Row], said: dict[str, object], floors: dict[str, float]) -> str:
    """A table a case, the fastest first."""
    parts = [heading(said)]
    for case, group in groupby(rows, key=lambda row: row.case):
        floor = f", floor {floors[case]:.2f} ms" if case in floors else ""
        lines = [f"**{case}**{floor}", "", "| who | precision | median ms | p10 to p90 | error | settings |"]
        lines.append("| --- | --- | --- | --- | --- | --- |")
        for row in sorted(group, key=lambda row: row.median_ms):
            times = f"{digits(row.median_ms)} | {digits(row.p10_ms)} to {digits(row.p90_ms)}"
            lines.append(f"| {row.peer} | {row.precision} | {times} | {row.error:.1e} | {notes(row)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def digits(milliseconds: float) -> str:
    """Three figures."""
    return f"{milliseconds:.{max(0, 2 - math.floor(math.log10(milliseconds)))}f}"


def notes(row: Row) -> str:
    said = [row.settings] if row.settings else []
    if row.p99_beside_neighbour_ms is not None:
        beside = digits(row.p99_beside_neighbour_ms)
        said.append(f"p99 {digits(row.p99_ms)} idle, {beside} with one core taken")
    if row.losses:
        last = statistics.mean(row.losses[-50:])
        said.append(f"loss {last:.4f} at the end of {len(row.losses)} steps")
    return "; ".join(said)


def rewrite(path: Path, group: str, text: str) -> None:
    """Puts `text` between the markers of a group."""
    begin, end = BEGIN.format(group), END.format(group)
    before, found, rest = path.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise RuntimeError(f"{path} lacks the lines '{begin}' and '{end}'")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
