# SPDX-License-Identifier: Apache-2.0
"""What `flowbench export` wrote of a generator case, and what is constant in it at fixed times and action."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

FREQUENCIES = 128


@dataclass(frozen=True)
class GeneratorExport:
    tensors: dict[str, Tensor]
    width: int
    heads: int
    layers: int
    rows: int
    columns: int
    window: int
    sink: int
    compared: int
    calibrated: int
    times: tuple[float, float, float]
    action: int

    @staticmethod
    def load(path: Path) -> GeneratorExport:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            said = file.metadata()
        shape = json.loads(said["configuration"])
        return GeneratorExport(
            tensors,
            width=shape["width"],
            heads=shape["heads"],
            layers=shape["layers"],
            rows=shape["latentHeight"] // 2,
            columns=shape["latentWidth"] // 2,
            window=shape["window"],
            sink=shape["sink"],
            compared=int(said["compared"]),
            calibrated=int(said["calibrated"]),
            times=(float(said["t"]), float(said["r"]), float(said["context_noise"])),
            action=int(said["action"]),
        )

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def embedding(self) -> Tensor:
        """The sum of the embeddings of times and action, [width]."""
        ladder = 1000 * torch.exp(
            -math.log(1e4) * torch.arange(FREQUENCIES, dtype=torch.float64) / FREQUENCIES
        )
        angles = [time * ladder.float() for time in self.times]
        features = torch.cat([part for x in angles for part in (x.cos(), x.sin())])
        hidden = F.silu(F.linear(features, self["time_embedding.0.weight"], self["time_embedding.0.bias"]))
        times = F.linear(hidden, self["time_embedding.2.weight"], self["time_embedding.2.bias"])
        return times + self["action_embedding.weight"][self.action]

    def modulation(self, layer: int) -> Tensor:
        """Shift, scale and gate of the attention and of the feed-forward network of a block, [6, width]."""
        weight, bias = self["time_projection.1.weight"], self["time_projection.1.bias"]
        shared = F.linear(F.silu(self.embedding()), weight, bias)
        return shared.view(6, -1) + self[f"blocks.{layer}.modulation"][0]

    def final_modulation(self) -> Tensor:
        """Shift and scale of the head, [2, width]."""
        return self.embedding() + self["head.modulation"][0]

    def angles(self, frame: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines [tokens, head width] of a frame's tokens, the pairs' first halves, then the second."""
        head = self.width // self.heads
        space = 2 * (head // 6)

        def angles_of(places: Tensor, width: int) -> Tensor:
            exponents = -2 * torch.arange(width // 2, dtype=torch.float64) / width
            return places.double().flatten()[:, None] * 1e4**exponents

        row, column = torch.meshgrid(torch.arange(self.rows), torch.arange(self.columns), indexing="ij")
        time = torch.full_like(row, frame)
        angles = torch.cat(
            (angles_of(time, head - 2 * space), angles_of(row, space), angles_of(column, space)), dim=1
        ).repeat(1, 2)
        return angles.cos().float(), angles.sin().float()
