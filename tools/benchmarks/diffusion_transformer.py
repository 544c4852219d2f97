# SPDX-License-Identifier: Apache-2.0
"""The transformer of Sources/FlowNN/DiffusionTransformer.swift in PyTorch: u(z, r, t) of pictures with a class."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FREQUENCIES = 128
EPSILON = 1e-6


class Linear(nn.Linear):
    """Layers of the file that read the same input, as one."""

    def __init__(self, tensors: Mapping[str, Tensor], *names: str) -> None:
        weight = torch.cat([tensors[f"{name}.weight"] for name in names])
        super().__init__(weight.shape[1], weight.shape[0])
        self.names = names
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.cat([tensors[f"{name}.bias"] for name in names]))

    def gradients(self) -> dict[str, Tensor]:
        """By the names of the file."""
        parts = {"weight": self.weight, "bias": self.bias}
        return {
            f"{name}.{part}": gradient
            for part, parameter in parts.items()
            for name, gradient in zip(self.names, parameter.grad.chunk(len(self.names)), strict=True)
        }


def time_features(time: Tensor, frequencies: int, scale: float) -> Tensor:
    """Cosines, then sines [rows, 2 · frequencies] of times [rows, 1]."""
    exponents = torch.arange(frequencies, dtype=torch.float64) / frequencies
    angles = time * (scale * torch.exp(-math.log(1e4) * exponents)).float()
    return torch.cat((angles.cos(), angles.sin()), dim=1)


def modulated(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=EPSILON) * (1 + scale[:, None]) + shift[:, None]


class Block(nn.Module):
    def __init__(self, tensors: Mapping[str, Tensor], name: str, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = Linear(tensors, f"{name}.modulation")
        self.qkv = Linear(tensors, *(f"{name}.attention.{part}" for part in "qkv"))
        self.out = Linear(tensors, f"{name}.attention.o")
        self.up = Linear(tensors, f"{name}.ffn.0")
        self.down = Linear(tensors, f"{name}.ffn.2")

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition).chunk(6, dim=1)
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(modulated(x, scale1, shift1)).chunk(3, dim=-1)
        )
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + gate1[:, None] * self.out(attended)
        hidden = F.gelu(self.up(modulated(x, scale2, shift2)), approximate="tanh")
        return x + gate2[:, None] * self.down(hidden)


class DiffusionTransformer(nn.Module):
    def __init__(self, tensors: Mapping[str, Tensor], shape: Mapping[str, int]) -> None:
        super().__init__()
        self.patch = shape["patch"]
        self.time_scale = float(shape["timeScale"])
        self.patch_embedding = Linear(tensors, "patch_embedding")
        self.time = nn.ModuleList(Linear(tensors, f"time_embedding.{i}") for i in (0, 2))
        self.interval = nn.ModuleList(Linear(tensors, f"interval_embedding.{i}") for i in (0, 2))
        self.classes = nn.Parameter(tensors["class_embedding.weight"])
        self.blocks = nn.ModuleList(
            Block(tensors, f"blocks.{i}", shape["heads"]) for i in range(shape["layers"])
        )
        self.head_modulation = Linear(tensors, "head.modulation")
        self.head = Linear(tensors, "head.linear")
        grid = shape["pictureHeight"] // self.patch, shape["pictureWidth"] // self.patch
        self.register_buffer("positions", positions(*grid, shape["width"]))

    def forward(self, z: Tensor, r: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """z [batch, height, width, channels], r and t [batch, 1], labels [batch]."""
        embedded = self.embed(self.time, t) + self.embed(self.interval, t - r)
        condition = F.silu(embedded + F.embedding(labels, self.classes))
        x = self.patch_embedding(self.patches(z)) + self.positions
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.head_modulation(condition).chunk(2, dim=1)
        return self.unpatched(self.head(modulated(x, scale, shift)), z)

    def embed(self, layers: nn.ModuleList, time: Tensor) -> Tensor:
        first, second = layers
        return second(F.silu(first(time_features(time, FREQUENCIES, self.time_scale))))

    def patches(self, z: Tensor) -> Tensor:
        batch, height, width, channels = z.shape
        p = self.patch
        cut = z.reshape(batch, height // p, p, width // p, p * channels).transpose(2, 3)
        return cut.reshape(batch, -1, p * p * channels)

    def unpatched(self, tokens: Tensor, like: Tensor) -> Tensor:
        batch, height, width, channels = like.shape
        p = self.patch
        cut = tokens.reshape(batch, height // p, width // p, p, p * channels).transpose(2, 3)
        return cut.reshape(like.shape)

    def gradients(self) -> dict[str, Tensor]:
        """By the names of the file."""
        named = {"class_embedding.weight": self.classes.grad}
        for layer in self.modules():
            if isinstance(layer, Linear):
                named |= layer.gradients()
        return named


def positions(rows: int, columns: int, width: int) -> Tensor:
    """Half of the channels say the row, half the column: sines, then cosines."""
    ladder = 1e4 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [place.double().flatten()[:, None] * ladder for place in (row, column)]
    return torch.cat([part for x in angles for part in (x.sin(), x.cos())], dim=1).float()
