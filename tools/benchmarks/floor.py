# SPDX-License-Identifier: Apache-2.0
"""How fast a generator step could be: linear layers at the int8 rate, attention at the better of float32 and bf16."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cases import CEILING
from measure import Row

CEILING_OPERATIONS = 2 * 256 * 1024 * 256


@dataclass(frozen=True)
class StepShape:
    width: int
    layers: int
    tokens: int
    frames: int
    patch: int = 64

    @property
    def linear_operations(self) -> int:
        """Queries, keys, values, output (4·d²) and feed-forward (8·d²), a patch embedding and a head."""
        ends = 3 * self.patch * self.width
        return 2 * self.tokens * (self.layers * 12 * self.width**2 + ends)

    @property
    def attention_operations(self) -> int:
        return 4 * self.tokens * self.tokens * self.frames * self.width * self.layers


STEPS = {
    "generator-256": StepShape(256, 8, 64, 16),
    "generator-384": StepShape(384, 12, 64, 16),
    "generator-256-wide": StepShape(256, 8, 256, 8),
    "generator-shipped": StepShape(256, 6, 12, 16),
}


def ceilings(rows: Iterable[Row]) -> dict[str, float]:
    """Operations a millisecond by precision: the shortest run of the fastest library on all cores."""
    best: dict[str, float] = {}
    for row in rows:
        if row.case == CEILING.name:
            best[row.precision] = max(best.get(row.precision, 0), CEILING_OPERATIONS / row.min_ms)
    return best


def floors(rows: list[Row]) -> dict[str, float]:
    """Milliseconds by case; empty without the ceilings in the same run."""
    rate = ceilings(rows)
    if not rate:
        return {}
    attention = max(rate["float32"], rate["bfloat16"])
    return {
        name: step.linear_operations / rate["int8"] + step.attention_operations / attention
        for name, step in STEPS.items()
    }
