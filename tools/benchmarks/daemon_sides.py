# SPDX-License-Identifier: Apache-2.0
"""What the daemon is asked for when it is measured: what the bench and its client both know."""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "doom-health-64x48"
# Bare frames at the beginning of each stream that are compared with those of flowbench's case.
COMPARED = 8


@dataclass(frozen=True)
class DaemonSide:
    """Streams of one format at the same time, each on a connection of its own; their seeds are 1, 2, 3, …"""

    what: str
    streams: int = 1
    kind: str = "rgb24"
    scale: int = 1
    # Messages of each stream before the time counts: by then the cache is full and the encoder has begun.
    warmup: int = 32


# A message of fMP4 is a group of pictures, of at most twelve.
DAEMON_SIDES = {
    "bare": DaemonSide("one session, rgb24"),
    "fmp4": DaemonSide("one session, fMP4, 64 × 48", kind="fmp4", warmup=4),
    "fmp4-6": DaemonSide("one session, fMP4, 384 × 288", kind="fmp4", scale=6, warmup=4),
    "bare-4": DaemonSide("four sessions, rgb24, all together", streams=4),
}
