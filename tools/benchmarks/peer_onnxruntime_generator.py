# SPDX-License-Identifier: Apache-2.0
"""onnxruntime on a generator case: float32, or int8 weights with activations scaled at run time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor

from generator_export import GeneratorExport
from generator_frames import Frame, walk
from generator_model import Cache, Generator
from serving import Contender, arguments, fastest, serve

# The first has one operator for attention, which the quantiser does not know.
OPSETS = {"float32": [23, 18], "int8_dynamic": [18]}


def arrays(frame: Frame) -> list[np.ndarray]:
    return [x.numpy() for x in frame.inputs()]


def session(export: GeneratorExport, frame: Frame, variant: str, opset: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "model.onnx"
        inputs = tuple(frame.inputs())
        names = [f"input{index}" for index in range(len(inputs))]
        model = Generator(export, Cache.CONCAT).eval()
        torch.onnx.export(
            model, inputs, path, input_names=names, dynamo=True, opset_version=opset, verbose=False
        )
        if variant == "int8_dynamic":
            quantised = Path(folder) / "quantised.onnx"
            quantize_dynamic(path, quantised, weight_type=QuantType.QInt8, per_channel=True)
            path = quantised
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def contender(export: GeneratorExport, frames: list[Frame], variant: str, opset: int) -> Contender:
    running = session(export, frames[-1], variant, opset)
    binding = running.io_binding()
    for output in running.get_outputs():
        binding.bind_output(output.name)

    def bind(frame: Frame) -> None:
        for described, array in zip(running.get_inputs(), arrays(frame), strict=True):
            binding.bind_cpu_input(described.name, array)

    def output(frame: Frame) -> Tensor:
        bind(frame)
        running.run_with_iobinding(binding)
        return torch.from_numpy(binding.copy_outputs_to_cpu()[0])

    bind(frames[-1])
    return Contender(
        f"opset {opset}",
        lambda: running.run_with_iobinding(binding),
        lambda: {"output": torch.cat([output(frame) for frame in frames])},
    )


def candidates(export: GeneratorExport, variant: str) -> Iterator[Callable[[], Contender]]:
    _, frames = walk(export)
    for opset in OPSETS[variant]:
        yield lambda opset=opset: contender(export, frames, variant, opset)


if __name__ == "__main__":
    said = arguments(__doc__)
    serve(fastest(candidates(GeneratorExport.load(said.input), said.variant), said))
