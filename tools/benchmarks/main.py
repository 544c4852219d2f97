# SPDX-License-Identifier: Apache-2.0
"""Runs groups of cases and reports; started by tools/bench, which makes the environment and builds flowbench."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from cases import CEILING, GROUPS
from floor import floors
from measure import Options, Row, measure
from report import machine, rewrite, table


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Compares flowd with its peers on this machine."
    )
    parser.add_argument("group", nargs="?", default="all", choices=[*GROUPS, "all"])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--turns", type=int, default=10, help="turns that each takes, 10 by default")
    parser.add_argument(
        "--real-time", action="store_true", help="time all sides at real-time priority; needs root"
    )
    parser.add_argument("--losses", type=int, default=0, help="steps of flow matching whose losses are recorded")
    parser.add_argument("--case", help="only this case of the group")
    parser.add_argument("--flowbench", type=Path, required=True, help=argparse.SUPPRESS)
    said = parser.parse_args()

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


if __name__ == "__main__":
    main()
