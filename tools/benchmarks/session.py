# SPDX-License-Identifier: Apache-2.0
"""A process that has made a case ready and takes its turns: `flowbench serve` or a peer."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from line_process import LineProcess
from priority import real_time

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entrant:
    """Who runs a case: `script` is a peer of this folder, or None for our own side."""

    peer: str
    precision: str
    script: str | None = None
    variant: str = ""

    def command(self, flowbench: Path, case: str, file: Path, comes_first: bool) -> list[str]:
        if self.script is None:
            return [str(flowbench), "serve", case, "--precision", self.precision, "--input", str(file)]
        script = str(HERE / self.script)
        real_time = ["--real-time"] if comes_first else []
        return [sys.executable, script, case, "--variant", self.variant, "--input", str(file), *real_time]


def environment(entrant: Entrant) -> dict[str, str]:
    """PyTorch's threads are bound to cores: two that spin on one core would wait for each other's time slices.

    Not those of others: a library that makes threads of its own would find them all on the core of PyTorch's first.
    """
    if not entrant.peer.startswith("torch"):
        return dict(os.environ)
    cores = str(len(os.sched_getaffinity(0)))
    return os.environ | {"OMP_NUM_THREADS": cores, "OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}


class Session(LineProcess):
    def __init__(
        self, entrant: Entrant, flowbench: Path, case: str, file: Path, log: Path, comes_first: bool
    ) -> None:
        self.comes_first = comes_first
        self.entrant = entrant
        self.case = case
        command = entrant.command(flowbench, case, file, comes_first)
        super().__init__(f"{entrant.peer} {entrant.precision}", command, log, environment(entrant))

    def time(self, count: int, warmup: int = 2) -> list[float]:
        """Milliseconds of `count` runs, after some that bring caches and threads back."""
        with real_time(self.process.pid) if self.comes_first else nullcontext():
            return self.ask(f"time {count + warmup}")["ms"][warmup:]

    def losses(self, count: int) -> list[float]:
        """The losses of the next steps of a training; to be asked when all have made the same number of steps."""
        if not count or self.case != "training-flow-matching":
            return []
        return self.ask(f"time {count}")["losses"]

    def results(self, folder: Path) -> Path:
        """The safetensors file of what is compared."""
        path = folder / "results.safetensors"
        self.ask(f"output {path}")
        return path
