# SPDX-License-Identifier: Apache-2.0
"""Runs groups and reports; started by tools/bench, which makes the environment and builds what is measured."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cases import GROUPS
from daemon import measure_daemon
from daemon_report import figures, tables
from report import heading, machine, rewrite

# The group that has no peers: the daemon beside its own model.
DAEMON = "daemon"


def main() -> None:
    said = arguments()
    if said.group != DAEMON:
        from comparison import compare  # and what only the peers need, which the other group does without

        compare(said)
    if wants_daemon(said):
        report_daemon(said)


def wants_daemon(said: argparse.Namespace) -> bool:
    return said.group == DAEMON or (said.group == "all" and not said.case)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Compares flowd with its peers on this machine."
    )
    parser.add_argument("group", nargs="?", default="all", choices=[*GROUPS, DAEMON, "all"])
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(".build/bench.json"),
        help="where the figures go, .build/bench.json by default",
    )
    parser.add_argument("--turns", type=int, default=10, help="turns that each takes, 10 by default")
    parser.add_argument(
        "--real-time",
        action="store_true",
        help="time all sides at real-time priority, the daemon excepted; needs root",
    )
    parser.add_argument(
        "--losses", type=int, default=0, help="steps of flow matching whose losses are recorded"
    )
    parser.add_argument("--case", help="only this case of the group")
    parser.add_argument("--flowbench", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--flowd", type=Path, required=True, help=argparse.SUPPRESS)
    said = parser.parse_args()
    if wants_daemon(said) and said.turns < 2:
        parser.error("--turns must be 2 or more for the daemon: one turn has no spread")
    if said.group == DAEMON and (said.case or said.real_time):
        # At one real-time priority the daemon's threads and the client would wait for those that compute.
        parser.error("the group daemon is one case, and is not timed at real-time priority")
    return said


def report_daemon(said: argparse.Namespace) -> None:
    """Adds the daemon's figures to those of the other groups, if they were asked for as well."""
    described = machine(packages=[])
    run = measure_daemon(said.flowbench, said.flowd, said.turns)
    described |= {"versions": run.versions}
    report = json.loads(said.json.read_text()) if said.group == "all" else {}
    report["daemon"] = {"machine": described} | figures(run)
    said.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print(tables(run))
    rewrite(Path("docs/performance.md"), DAEMON, f"{heading(described)}\n\n{tables(run)}")


if __name__ == "__main__":
    main()
