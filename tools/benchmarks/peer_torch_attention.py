# SPDX-License-Identifier: Apache-2.0
"""PyTorch's attention alone, eager or compiled, forward or with its gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from serving import Contender, arguments, serve


def contender(path: Path, variant: str) -> Contender:
    with safe_open(path, framework="pt") as file:
        # Heads before tokens, as PyTorch wants them.
        q, k, v, cotangent = (
            file.get_tensor(n).transpose(1, 2).contiguous() for n in ("q", "k", "v", "cotangent")
        )
        causal, gradient = (file.metadata()[name] == "true" for name in ("causal", "gradient"))

    def forward(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

    attend: Callable[..., Tensor] = torch.compile(forward, dynamic=False) if variant == "compile" else forward
    if gradient:
        for x in (q, k, v):
            x.requires_grad_()

    def run() -> tuple[Tensor, ...]:
        if gradient:
            return torch.autograd.grad(attend(q, k, v), (q, k, v), cotangent)
        with torch.inference_mode():
            return (attend(q, k, v),)

    return Contender(
        variant, run, lambda: {f"output.{i}": x.detach().transpose(1, 2) for i, x in enumerate(run())}
    )


if __name__ == "__main__":
    said = arguments(__doc__)
    serve(contender(said.input, said.variant))
