# SPDX-License-Identifier: Apache-2.0
"""A step of training in PyTorch: loss, backward, clipping, AdamW, moving average, at its fastest on a processor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


@dataclass
class Training:
    """`loss` computes the loss of a batch; it may be compiled. `fresh` makes the model with the weights of the file."""

    export: TrainingExport
    fresh: Callable[[], nn.Module]
    loss: Callable[[nn.Module, Mapping[str, Tensor]], Tensor]
    model: nn.Module = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        say = self.export.number
        self.batches = self.export.batches()
        self.model = self.fresh()
        self.parameters = list(self.model.parameters())
        self.averages = [p.detach().clone() for p in self.parameters]
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=say("rate"),
            betas=(say("beta1"), say("beta2")),
            eps=say("epsilon"),
            weight_decay=say("decay"),
            fused=True,
        )
        self.clip, self.average_decay = say("clip"), say("average_decay")

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

    def results(self) -> dict[str, Tensor]:
        """The loss of the first batch and its gradients, from the weights of the file."""
        model = self.fresh()
        loss = self.loss(model, self.batches[0])
        loss.backward()
        gradients = {f"gradient.{name}": x for name, x in model.gradients().items()}
        return {"loss": loss.detach().reshape(1)} | gradients

    def contender(self, settings: str) -> Contender:
        return Contender(settings, self.step, self.results)
