# SPDX-License-Identifier: Apache-2.0
"""The frames of a generator case with a full cache, whose keys and values come from PyTorch in float32."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from generator_export import GeneratorExport
from generator_model import Cache, Generator


@dataclass(frozen=True)
class Frame:
    """The inputs of a frame's step, and what PyTorch makes of them in float32."""

    noisy: Tensor
    previous: Tensor
    angles: tuple[Tensor, Tensor]
    past: list[Tensor]  # [1, heads, rows, head width]: keys of all blocks, then values
    output: Tensor

    def inputs(self) -> list[Tensor]:
        return [self.noisy, self.previous, *self.angles, *self.past]

    def inputs_in_place(self) -> list[Tensor]:
        """The same with rows for the new keys and values after those of the past."""
        tokens = self.angles[0].shape[0]
        room = [torch.cat((x, x.new_zeros(*x.shape[:2], tokens, x.shape[3])), dim=2) for x in self.past]
        return [self.noisy, self.previous, *self.angles, *room]


@torch.inference_mode()
def walk(export: GeneratorExport) -> tuple[list[Frame], list[Frame]]:
    """Fills the cache from the first frame on; returns the frames to calibrate with and those to compare."""
    model = Generator(export, Cache.SPLIT).eval()
    empty = torch.zeros(1, export.heads, 0, export.width // export.heads)
    history: list[list[Tensor]] = []  # a frame's keys of all blocks, then values
    frames: list[Frame] = []
    kept = export.calibrated + export.compared
    pairs = list(zip(export["input.noisy"].split(1), export["input.previous"].split(1), strict=True))
    for number, (noisy, previous) in enumerate(pairs):
        seen = history[: export.sink] + history[export.sink :][-(export.window - 1) :]
        past = [torch.cat((empty, *(frame[i] for frame in seen)), dim=2) for i in range(2 * export.layers)]
        angles = export.angles(number)
        output, *fresh = model(noisy, previous, *angles, *past)
        history.append(fresh[0::2] + fresh[1::2])
        if number >= len(pairs) - kept:
            frames.append(Frame(noisy, previous, angles, past, output))
    return frames[: export.calibrated], frames[export.calibrated :]
