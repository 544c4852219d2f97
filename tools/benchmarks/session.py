# SPDX-License-Identifier: Apache-2.0
"""A process that has made a case ready and takes its turns: `flowbench serve` or a peer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

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


class Session:
    def __init__(
        self, entrant: Entrant, flowbench: Path, case: str, file: Path, log: Path, comes_first: bool
    ) -> None:
        self.comes_first = comes_first
        self.entrant = entrant
        self.case = case
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                entrant.command(flowbench, case, file, comes_first),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(entrant),
                text=True,
            )
        self.ready = self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.entrant.peer} {self.entrant.precision} ended; see {self.log}")
        return json.loads(line)

    def ask(self, command: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        print(command, file=self.process.stdin, flush=True)
        return self.answer()

    def time(self, count: int, warmup: int = 2) -> list[float]:
        """Milliseconds of `count` runs, after some that bring caches and threads back."""
        with real_time(self.process.pid) if self.comes_first else nullcontext():
            return self.ask(f"time {count + warmup}")["ms"][warmup:]

    def losses(self, count: int) -> list[float]:
        """The losses of the next steps of a training; to be asked when all have made the same number of steps."""
        if not count or self.case != "training-flow-matching":
            return []
        return self.ask(f"time {count}")["losses"]

    def results(self, folder: Path) -> dict[str, Any]:
        path = folder / "results.safetensors"
        self.ask(f"output {path}")
        return load_file(path)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
