# SPDX-License-Identifier: Apache-2.0
"""PyTorch on a training step of a diffusion transformer: flow matching, or MeanFlow with torch.func.jvp."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from diffusion_transformer import DiffusionTransformer
from serving import Contender, arguments, fastest, serve
from training_step import Training, TrainingExport

Batch = Mapping[str, Tensor]


def path(batch: Batch) -> tuple[Tensor, Tensor]:
    """The state z_t and its velocity v."""
    x, noise, t = batch["x"], batch["noise"], batch["t"][:, :, None, None]
    return (1 - t) * x + t * noise, noise - x


def flow_matching(model: nn.Module, batch: Batch) -> Tensor:
    z, v = path(batch)
    return (model(z, batch["t"], batch["t"], batch["labels"]) - v).square().mean()


def derived(model: nn.Module, z: Tensor, v: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """u and its derivative along (v, 0, 1); PyTorch has no such rule for its fused attention."""
    r, t, labels = batch["r"], batch["t"], batch["labels"]
    with sdpa_kernel(SDPBackend.MATH):
        return torch.func.jvp(
            lambda z, r, t: model(z, r, t, labels), (z, r, t), (v, torch.zeros_like(r), torch.ones_like(t))
        )


def adaptive(u: Tensor, v: Tensor, du: Tensor, batch: Batch) -> Tensor:
    """MeanFlow's loss with the weight 1/(‖Δ‖² + c) of each sample."""
    interval = (batch["t"] - batch["r"])[:, :, None, None]
    square = (u - (v - interval * du).detach()).square().sum(dim=(1, 2, 3))
    return (square / (square.detach() + 1e-3)).mean()


def meanflow_once(model: nn.Module, batch: Batch) -> Tensor:
    """u from the same pass as its derivative, whose graph is made and left."""
    z, v = path(batch)
    u, du = derived(model, z, v, batch)
    return adaptive(u, v, du, batch)


def meanflow_twice(model: nn.Module, batch: Batch) -> Tensor:
    """The derivative without a graph, then u by a pass of its own with fused attention."""
    z, v = path(batch)
    with torch.no_grad():
        _, du = derived(model, z, v, batch)
    return adaptive(model(z, batch["r"], batch["t"], batch["labels"]), v, du, batch)


def meanflow_rest(model: nn.Module, batch: Batch) -> Tensor:
    """The derivative only where r < t, the last quarter of the batch."""
    z, v = path(batch)
    first = 3 * len(z) // 4
    rest = {name: x[first:] for name, x in batch.items()}
    with torch.no_grad():
        _, du = derived(model, z[first:], v[first:], rest)
    u = model(z, batch["r"], batch["t"], batch["labels"])
    return adaptive(u, v, torch.cat((torch.zeros_like(v[:first]), du)), batch)


LOSSES: dict[str, list[Callable[[nn.Module, Batch], Tensor]]] = {
    "training-flow-matching": [flow_matching],
    "training-meanflow": [meanflow_once, meanflow_twice],
    "training-meanflow-rest": [meanflow_rest],
}


def candidates(export: TrainingExport, case: str, variant: str) -> Iterator[Callable[[], Contender]]:
    engine, precision = variant.split("-")

    def contender(loss: Callable[[nn.Module, Batch], Tensor]) -> Contender:
        def cast(model: nn.Module, batch: Batch) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                return loss(model, batch)

        run = torch.compile(cast, dynamic=False) if engine == "compile" else cast
        model = DiffusionTransformer(export.tensors, export.shape)
        return Training(export, model, run).contender(f"{engine}, {loss.__name__}")

    for loss in LOSSES[case]:
        yield lambda loss=loss: contender(loss)


if __name__ == "__main__":
    said = arguments(__doc__)
    chosen = fastest(
        candidates(TrainingExport.load(said.input), said.case, said.variant), said, warmup=2, runs=3
    )
    serve(chosen)
