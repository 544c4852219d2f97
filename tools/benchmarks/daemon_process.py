# SPDX-License-Identifier: Apache-2.0
"""The daemon that is measured: one process for the whole run, on a socket of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon_sides import DAEMON_SIDES


@contextmanager
def running_daemon(flowd: Path, folder: Path) -> Iterator[str]:
    """The endpoint of a daemon that has the shipped video model alone, for as long as it is wanted."""
    manifolds, log = folder / "manifolds", folder / "flowd.log"
    manifolds.mkdir()
    endpoint = f"ipc://{folder}/flowd.sock"
    most = max(side.streams for side in DAEMON_SIDES.values())
    settings = {"bind": endpoint, "models": "models", "manifolds": manifolds, "max-sessions": most}
    command = [str(flowd), *(f"--{name}={value}" for name, value in settings.items())]
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        if not process.stdout.readline().startswith("flowd is ready"):
            raise RuntimeError(f"flowd did not start; it said:\n{log.read_text()[-2000:]}")
        yield endpoint
    finally:
        process.terminate()
        process.wait()
