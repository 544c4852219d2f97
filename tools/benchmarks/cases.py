# SPDX-License-Identifier: Apache-2.0
"""Which cases there are, and who runs them. The first peer of a case is what all are compared with."""

from __future__ import annotations

from dataclasses import dataclass

from session import Entrant


@dataclass(frozen=True)
class Case:
    name: str
    entrants: list[Entrant]


def flowd(*precisions: str, peer: str = "flowd") -> list[Entrant]:
    return [Entrant(peer, precision) for precision in precisions]


GENERATOR = [
    Entrant("torch eager", "float32", "peer_torch_generator.py", "eager-float32"),
    *flowd("float32", "bfloat16", "int8"),
    Entrant("torch compile", "float32", "peer_torch_generator.py", "compile-float32"),
    Entrant("torch compile", "bfloat16", "peer_torch_generator.py", "compile-bfloat16"),
    Entrant("openvino", "float32", "peer_openvino_generator.py", "float32"),
    Entrant("openvino", "bfloat16", "peer_openvino_generator.py", "bfloat16"),
    Entrant("openvino", "int8", "peer_openvino_generator.py", "int8"),
    Entrant("openvino", "int8 dynamic", "peer_openvino_generator.py", "int8_dynamic"),
    Entrant("onnxruntime", "float32", "peer_onnxruntime_generator.py", "float32"),
    Entrant("onnxruntime", "int8 dynamic", "peer_onnxruntime_generator.py", "int8_dynamic"),
]

ATTENTION = [
    Entrant("torch eager", "float32", "peer_torch_attention.py", "eager"),
    *flowd("float32"),
    Entrant("torch compile", "float32", "peer_torch_attention.py", "compile"),
]

# What flowbench runs here is the library, not our kernels.
GEMM = [
    Entrant("torch", "float32", "peer_torch_gemm.py", "float32"),
    *flowd("float32", "bfloat16", "int8", peer="onednn"),
    Entrant("torch", "bfloat16", "peer_torch_gemm.py", "bfloat16"),
]


def torch_training(script: str, *ours: str) -> list[Entrant]:
    eager, *others = (
        Entrant(f"torch {engine}", precision, script, f"{engine}-{precision}")
        for engine in ("eager", "compile")
        for precision in ("float32", "bfloat16")
    )
    return [eager, *flowd("float32", "bfloat16", *ours), *others]


PRODUCTS = [
    "256x1024x256",
    *("64x768x256", "64x256x256", "64x1024x256", "64x256x1024"),
    *("64x1152x384", "64x384x384", "64x1536x384", "64x384x1536"),
    *("256x768x256", "256x256x256", "256x256x1024"),
    *("256x1024x256-one", "64x256x256-one"),
]

# The rates that floor.py counts with.
CEILING = Case("gemm-256x1024x256", GEMM)

GROUPS = {
    "gemm": [Case(f"gemm-{shape}", GEMM) for shape in PRODUCTS],
    "attention": [
        Case(f"attention-{form}{gradient}", ATTENTION)
        for form in ("cache", "pictures", "causal")
        for gradient in ("", "-gradient")
    ],
    "generator": [Case(f"generator-{shape}", GENERATOR) for shape in ("256", "384", "256-wide", "shipped")],
    "training": [
        Case(f"training-{step}", torch_training("peer_torch_training.py"))
        for step in ("flow-matching", "meanflow", "meanflow-rest")
    ],
    "manifold": [
        Case("manifold-training", torch_training("peer_torch_manifold.py")),
        Case("manifold-sampling", torch_training("peer_torch_manifold.py", "int8")),
        Case("manifold-sampling-small", torch_training("peer_torch_manifold.py", "int8")),
    ],
}
