# SPDX-License-Identifier: Apache-2.0
"""PyTorch on a flow map on the sphere: a training step of the MLP of Sources/FlowNN/MLP.swift, or one jump of it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffusion_transformer import Linear, time_features
from serving import Contender, arguments, serve
from training_step import Training, TrainingExport

Batch = Mapping[str, Tensor]


class MLP(nn.Module):
    def __init__(self, export: TrainingExport) -> None:
        super().__init__()
        shape = export.shape
        self.frequencies, self.scale = shape["frequencies"], float(shape["timeScale"])
        self.hidden = nn.ModuleList(Linear(export.tensors, f"hidden.{i}") for i in range(shape["layers"]))
        self.head = Linear(export.tensors, "head")

    def forward(self, x: Tensor, r: Tensor, t: Tensor) -> Tensor:
        times = [time_features(time, self.frequencies, self.scale) for time in (t, t - r)]
        h = torch.cat((x, *times), dim=1)
        for layer in self.hidden:
            h = F.silu(layer(h))
        return self.head(h)

    def gradients(self) -> dict[str, Tensor]:
        layers = [*self.hidden, self.head]
        return {name: x for layer in layers for name, x in layer.gradients().items()}


def tangent(x: Tensor, u: Tensor) -> Tensor:
    return u - (x * u).sum(dim=1, keepdim=True) * x


def exponential(x: Tensor, u: Tensor) -> Tensor:
    """The point at the end of the geodesic that leaves x as u."""
    length = u.norm(dim=1, keepdim=True)
    return length.cos() * x + torch.sinc(length / torch.pi) * u


def geodesic(x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The point a share t of the way from x to y, and the velocity there."""
    angle = (x * y).sum(dim=1, keepdim=True).clamp(-1 + 1e-6, 1 - 1e-6).acos()
    sine = angle.sin()
    z = (((1 - t) * angle).sin() * x + (t * angle).sin() * y) / sine
    v = angle * ((t * angle).cos() * y - ((1 - t) * angle).cos() * x) / sine
    return z, v


def flow_matching(model: nn.Module, batch: Batch) -> Tensor:
    z, v = geodesic(batch["x"], batch["noise"], batch["t"])
    u = tangent(z, model(z, batch["t"], batch["t"]))
    return (u - v).square().sum(dim=1).mean()


def sample(model: nn.Module, batch: Batch) -> Tensor:
    z, t = batch["noise"], torch.ones_like(batch["t"])
    return exponential(z, -tangent(z, model(z, torch.zeros_like(t), t)))


def contender(export: TrainingExport, case: str, variant: str) -> Contender:
    engine, precision = variant.split("-")
    function = flow_matching if case == "manifold-training" else sample

    def cast(model: nn.Module, batch: Batch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            return function(model, batch)

    run = torch.compile(cast, dynamic=False) if engine == "compile" else cast
    if case == "manifold-training":
        return Training(export, MLP(export), run).contender(engine)
    model, batch = MLP(export).eval(), export.batches()[0]

    @torch.inference_mode()
    def jump() -> Tensor:
        return run(model, batch)

    return Contender(engine, jump, lambda: {"output": jump()})


if __name__ == "__main__":
    said = arguments(__doc__)
    serve(contender(TrainingExport.load(said.input), said.case, said.variant))
