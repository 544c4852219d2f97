# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on a generator case: float32, bfloat16, or int8 by NNCF, with activations scaled ahead or at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import nncf
import numpy as np
import openvino as ov
import openvino.properties.hint as hint
import torch
from torch import Tensor

from generator_export import GeneratorExport
from generator_frames import Frame, walk
from generator_model import Cache, Generator
from serving import Contender, arguments, fastest, serve


@dataclass(frozen=True)
class Setting:
    cache: Cache
    precision: ov.Type = ov.Type.f32
    quantised: bool = False
    dynamic_group: int = 0

    @property
    def name(self) -> str:
        group = f", groups of {self.dynamic_group}" if self.dynamic_group else ""
        return f"{self.cache.value}, {self.precision.get_type_name()}{group}"


SETTINGS = {
    "float32": [Setting(Cache.CONCAT), Setting(Cache.SPLIT)],
    "bfloat16": [Setting(Cache.SPLIT, ov.Type.bf16)],
    "int8": [
        Setting(Cache.CONCAT, quantised=True),
        Setting(Cache.SPLIT, quantised=True),
        Setting(Cache.SPLIT, ov.Type.bf16, quantised=True),
    ],
    "int8_dynamic": [Setting(Cache.CONCAT, dynamic_group=32), Setting(Cache.CONCAT, dynamic_group=256)],
}


def arrays(frame: Frame) -> list[np.ndarray]:
    return [x.numpy() for x in frame.inputs()]


def converted(export: GeneratorExport, setting: Setting, calibration: list[Frame]) -> ov.Model:
    example = tuple(calibration[0].inputs())
    with torch.no_grad():
        model = ov.convert_model(
            Generator(export, setting.cache).eval(),
            example_input=example,
            input=[tuple(x.shape) for x in example],
        )
    if setting.quantised:
        return nncf.quantize(
            model,
            nncf.Dataset([arrays(frame) for frame in calibration]),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(calibration),
        )
    if setting.dynamic_group:
        return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
    return model


def contender(
    export: GeneratorExport, calibration: list[Frame], frames: list[Frame], setting: Setting
) -> Contender:
    options = {
        hint.performance_mode: hint.PerformanceMode.LATENCY,
        hint.inference_precision: setting.precision,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": setting.dynamic_group,
    }
    compiled = ov.Core().compile_model(converted(export, setting, calibration), "CPU", options)
    request = compiled.create_infer_request()

    def bind(frame: Frame) -> None:
        for index, array in enumerate(arrays(frame)):
            request.set_input_tensor(index, ov.Tensor(array, shared_memory=True))

    def output(frame: Frame) -> Tensor:
        bind(frame)
        request.infer()
        return torch.from_numpy(request.get_output_tensor(0).data.copy())

    bind(frames[-1])
    return Contender(
        setting.name, request.infer, lambda: {"output": torch.cat([output(frame) for frame in frames])}
    )


def candidates(export: GeneratorExport, variant: str) -> Iterator[Callable[[], Contender]]:
    calibration, frames = walk(export)
    for setting in SETTINGS[variant]:
        yield lambda setting=setting: contender(export, calibration, frames, setting)


if __name__ == "__main__":
    said = arguments(__doc__)
    serve(fastest(candidates(GeneratorExport.load(said.input), said.variant), said))
