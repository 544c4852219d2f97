# SPDX-License-Identifier: Apache-2.0
"""PyTorch on a generator case: eager or compiled, in float32 or bfloat16."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch._inductor import config as inductor

from generator_export import GeneratorExport
from generator_frames import Frame, walk
from generator_model import Cache, Generator
from serving import Contender, arguments, fastest, serve


def contender(
    export: GeneratorExport, frames: list[Frame], cache: Cache, dtype: torch.dtype, mode: str
) -> Contender:
    # Weights become constants of the compiled code, packed as oneDNN likes them.
    inductor.freezing = mode != "eager"
    torch.compiler.reset()
    model = Generator(export, cache).eval().to(dtype)
    step: Callable[..., tuple[Tensor, ...]] = model
    if mode == "compile":
        step = torch.compile(model, dynamic=False)
    elif mode == "autotune":
        step = torch.compile(model, dynamic=False, mode="max-autotune")

    def inputs(frame: Frame) -> list[Tensor]:
        tensors = frame.inputs_in_place() if cache is Cache.IN_PLACE else frame.inputs()
        return [x.to(dtype) for x in tensors]

    last = inputs(frames[-1])

    @torch.no_grad()
    def run() -> Tensor:
        return step(*last)[0]

    @torch.no_grad()
    def results() -> dict[str, Tensor]:
        return {"output": torch.cat([step(*inputs(frame))[0] for frame in frames])}

    return Contender(f"{mode}, {cache.value}", run, results)


def candidates(export: GeneratorExport, variant: str) -> Iterator[Callable[[], Contender]]:
    _, frames = walk(export)
    engine, precision = variant.split("-")
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    modes = ["eager"] if engine == "eager" else ["compile", "autotune"]
    caches = [Cache.CONCAT, Cache.IN_PLACE] if engine == "eager" else [Cache.IN_PLACE]
    for mode in modes:
        for cache in caches:
            yield lambda mode=mode, cache=cache: contender(export, frames, cache, dtype, mode)


if __name__ == "__main__":
    said = arguments(__doc__)
    serve(fastest(candidates(GeneratorExport.load(said.input), said.variant), said))
