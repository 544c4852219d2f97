# SPDX-License-Identifier: Apache-2.0
"""Runs groups of cases against the peers and reports."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from cases import CEILING, GROUPS
from floor import floors
from measure import Options, Row, measure
from report import machine, rewrite, table


def compare(said: argparse.Namespace) -> None:
    groups = {name: cases for name, cases in GROUPS.items() if said.group in (name, "all")}
    if said.case:
        groups = {n: [case for case in cases if case.name == said.case] for n, cases in groups.items()}
    elif said.group == "generator":
        groups = {"ceiling": [CEILING]} | groups  # the floor comes from the same run
    options = Options(said.turns, said.real_time, said.losses)
    described = machine() | {"real_time": said.real_time}
    rows: list[Row] = []
    for group, cases in groups.items():
        mine: list[Row] = []
        for case in cases:
            mine += measure(case, said.flowbench, options)
            write(said.json, described, rows + mine)
        rows += mine
        if said.case and mine:
            print(table(mine, described, floors(rows)))
        if not said.case and group in GROUPS:
            rewrite(Path("docs/performance.md"), group, table(mine, described, floors(rows)))
    for name, floor in floors(rows).items():
        print(f"floor of {name}: {floor:.2f} ms")


def write(path: Path, described: dict[str, object], rows: list[Row]) -> None:
    """The figures so far: a run that ends early loses only the case it was at."""
    report = {
        "machine": described,
        "rows": [dataclasses.asdict(row) for row in rows],
        "floors_ms": floors(rows),
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
