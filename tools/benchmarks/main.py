# SPDX-License-Identifier: Apache-2.0
"""Runs groups of cases and reports; started by tools/bench, which makes the environment and builds flowbench."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from cases import GROUPS
from floor import floors
from measure import Row, measure
from report import machine, rewrite, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench", description="Compares flowd with its peers on this machine.")
    parser.add_argument("group", nargs="?", default="all", choices=[*GROUPS, "all"])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--turns", type=int, default=10, help="turns that each takes, 10 by default")
    parser.add_argument("--case", help="only this case of the group")
    parser.add_argument("--flowbench", type=Path, required=True, help=argparse.SUPPRESS)
    said = parser.parse_args()

    groups = list(GROUPS) if said.group == "all" else [said.group]
    if "generator" in groups and "gemm" not in groups:
        groups.insert(0, "gemm")  # the floor comes from ceilings of the same run
    described = machine()
    rows: list[Row] = []
    for group in groups:
        cases = [case for case in GROUPS[group] if said.case in (None, case.name)]
        mine = [row for case in cases for row in measure(case, said.flowbench, said.turns)]
        rows += mine
        if said.case is None:
            rewrite(Path("docs/performance.md"), group, table(mine, described))
    report = {
        "machine": described,
        "rows": [dataclasses.asdict(row) for row in rows],
        "floors_ms": floors(rows),
    }
    said.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    for name, floor in report["floors_ms"].items():
        print(f"floor of {name}: {floor:.2f} ms")


if __name__ == "__main__":
    main()
