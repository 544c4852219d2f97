# SPDX-License-Identifier: Apache-2.0
"""Real-time scheduling of a process while it is timed, for a machine on which others work; needs root."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

CHRT = ["chrt", "--all-tasks"]


@contextmanager
def real_time(process: int) -> Iterator[None]:
    """All threads of the process run before all else; afterwards as they did."""
    subprocess.run([*CHRT, "--fifo", "--pid", "20", str(process)], check=True)
    try:
        yield
    finally:
        subprocess.run([*CHRT, "--other", "--pid", "0", str(process)], check=True)
