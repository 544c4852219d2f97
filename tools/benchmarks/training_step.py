# SPDX-License-Identifier: Apache-2.0
"""A step of training in PyTorch: loss, backward, clipping, AdamW, moving average, at its fastest on a processor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from serving import Contender


@dataclass(frozen=True)
class TrainingExport:
    """What `flowbench export` wrote of a training case."""

    tensors: dict[str, Tensor]
    shape: dict[str, Any]
    said: dict[str, str]

    @staticmethod
    def load(path: Path) -> TrainingExport:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            return TrainingExport(tensors, json.loads(file.metadata()["configuration"]), file.metadata())

    def batches(self) -> list[dict[str, Tensor]]:
        inputs = {n.removeprefix("input."): x for n, x in self.tensors.items() if n.startswith("input.")}
        if "labels" in inputs:
            inputs["labels"] = inputs["labels"].long()
        count = len(inputs["x"])
        return [{name: x[index] for name, x in inputs.items()} for index in range(count)]

    def number(self, name: str) -> float:
        return float(self.said[name])


class Training:
    """Trains `model`, which has the weights of the file; `loss` computes the loss of a batch and may be compiled."""

    def __init__(
        self,
        export: TrainingExport,
        model: nn.Module,
        loss: Callable[[nn.Module, Mapping[str, Tensor]], Tensor],
    ) -> None:
        self.model, self.loss = model, loss
        self.batches = export.batches()
        self.parameters = list(model.parameters())
        self.beginning = [p.detach().clone() for p in self.parameters]
        self.averages = [p.detach().clone() for p in self.parameters]
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=export.number("rate"),
            betas=(export.number("beta1"), export.number("beta2")),
            eps=export.number("epsilon"),
            weight_decay=export.number("decay"),
            fused=True,
        )
        self.clip, self.average_decay = export.number("clip"), export.number("average_decay")
        self.steps = 0

    def step(self) -> float:
        loss = self.loss(self.model, self.batches[self.steps % len(self.batches)])
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, self.parameters, 1 - self.average_decay)
        self.steps += 1
        return loss.item()

    @torch.no_grad()
    def restart(self) -> None:
        torch._foreach_copy_(self.parameters, self.beginning)
        torch._foreach_copy_(self.averages, self.beginning)
        self.optimiser.state.clear()
        self.steps = 0

    def results(self) -> dict[str, Tensor]:
        """The loss of the first batch and its gradients, from the weights of the file."""
        self.restart()
        loss = self.loss(self.model, self.batches[0])
        loss.backward()
        gradients = {f"gradient.{name}": x.clone() for name, x in self.model.gradients().items()}
        self.optimiser.zero_grad(set_to_none=True)
        return {"loss": loss.detach().reshape(1)} | gradients

    def contender(self, settings: str) -> Contender:
        return Contender(settings, self.step, self.results, self.restart)
