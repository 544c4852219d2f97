# SPDX-License-Identifier: Apache-2.0
"""PyTorch's matrix product, in float32 or bfloat16."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from serving import Contender, arguments, serve


def contender(path: Path, variant: str) -> Contender:
    with safe_open(path, framework="pt") as file:
        a, b = (file.get_tensor(name) for name in ("a", "b"))
        if file.metadata()["threads"] == "1":
            torch.set_num_threads(1)
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[variant]
    a, b = a.to(dtype), b.to(dtype)
    result = torch.empty(a.shape[0], b.shape[1], dtype=dtype)

    @torch.inference_mode()
    def run() -> Tensor:
        return torch.mm(a, b, out=result)

    return Contender(variant, run, lambda: {"output": run()})


if __name__ == "__main__":
    said = arguments(__doc__)
    serve(contender(said.input, said.variant))
