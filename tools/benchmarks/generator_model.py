# SPDX-License-Identifier: Apache-2.0
"""The generator of Sources/FlowNN/CausalTransformer.swift in PyTorch, one frame step against a full cache.

What is constant at a fixed time is folded in when the model loads, as an inference engine would: scale and shift into
the affine of each norm, the gate into the layer before it. Queries, keys and values are one product. Heads keep the
two halves of each rotary pair apart, which every peer rotates faster than interleaved pairs.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generator_export import GeneratorExport

EPSILON = 1e-6


class Cache(Enum):
    """How the keys and values of the new frame join those of the past."""

    CONCAT = "concat"  # past and new side by side in a new tensor
    IN_PLACE = "in-place"  # into the free rows of a buffer that holds both
    SPLIT = "split"  # scores of past and new side by side, keys and values never copied


def halves_apart(head_width: int, heads: int) -> Tensor:
    """The channels of all heads, in each first the even ones, then the odd ones."""
    head = torch.arange(head_width).unflatten(0, (-1, 2)).T.flatten()
    return (torch.arange(heads)[:, None] * head_width + head).flatten()


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-b, a), dim=-1) * sine


class Norm(nn.Module):
    """Layer normalisation, its affine the constant scale and shift of the modulation."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(1 + scale)
        self.bias = nn.Parameter(shift.clone())

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, EPSILON)


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight = nn.Parameter(weight.contiguous())
    layer.bias = nn.Parameter(bias.contiguous())
    return layer


class Block(nn.Module):
    def __init__(self, export: GeneratorExport, layer: int, cache: Cache) -> None:
        super().__init__()
        name = f"blocks.{layer}"
        shift1, scale1, gate1, shift2, scale2, gate2 = export.modulation(layer)
        self.heads = export.heads
        self.cache = cache
        order = halves_apart(export.width // self.heads, self.heads)

        def parameters(part: str) -> tuple[Tensor, Tensor]:
            return export[f"{name}.{part}.weight"], export[f"{name}.{part}.bias"]

        (q, q_bias), (k, k_bias), (v, v_bias) = (parameters(f"self_attn.{part}") for part in "qkv")
        self.qkv = linear(
            torch.cat((q[order], k[order], v)), torch.cat((q_bias[order], k_bias[order], v_bias))
        )
        (o, o_bias), (down, down_bias) = parameters("self_attn.o"), parameters("ffn.2")
        self.out = linear(o * gate1[:, None], o_bias * gate1)
        self.up = linear(*parameters("ffn.0"))
        self.down = linear(down * gate2[:, None], down_bias * gate2)
        self.norm1 = Norm(scale1, shift1)
        self.norm2 = Norm(scale2, shift2)
        self.norm_q = nn.Parameter(export[f"{name}.self_attn.norm_q.weight"][order])
        self.norm_k = nn.Parameter(export[f"{name}.self_attn.norm_k.weight"][order])

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, past_k: Tensor, past_v: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        q = F.rms_norm(q, self.norm_q.shape, self.norm_q, EPSILON)
        k = F.rms_norm(k, self.norm_k.shape, self.norm_k, EPSILON)
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        q, k = rotated(q, cosine, sine), rotated(k, cosine, sine)
        attended = self.attend(q, k, v, past_k, past_v).transpose(1, 2).flatten(2)
        x = x + self.out(attended)
        x = x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))
        return x, k, v

    def attend(self, q: Tensor, k: Tensor, v: Tensor, past_k: Tensor, past_v: Tensor) -> Tensor:
        if self.cache is Cache.CONCAT:
            keys, values = torch.cat((past_k, k), dim=2), torch.cat((past_v, v), dim=2)
            return F.scaled_dot_product_attention(q, keys, values)
        if self.cache is Cache.IN_PLACE:
            past_k[:, :, -k.shape[2] :] = k
            past_v[:, :, -v.shape[2] :] = v
            return F.scaled_dot_product_attention(q, past_k, past_v)
        rows = past_k.shape[2]
        q = q * q.shape[-1] ** -0.5
        scores = torch.cat((q @ past_k.transpose(2, 3), q @ k.transpose(2, 3)), dim=-1).softmax(dim=-1)
        return scores[..., :rows] @ past_v + scores[..., rows:] @ v


class Generator(nn.Module):
    """One frame: from noisy and previous latents [1, height, width, channels], the angles of the frame and the keys and
    values of the past (all keys, then all values) to the clean latents and the new keys and values, block by block.
    """

    def __init__(self, export: GeneratorExport, cache: Cache) -> None:
        super().__init__()
        shift, scale = export.final_modulation()
        self.patch = linear(export["patch_embedding.weight"], export["patch_embedding.bias"])
        self.blocks = nn.ModuleList(Block(export, layer, cache) for layer in range(export.layers))
        self.norm = Norm(scale, shift)
        self.head = linear(export["head.head.weight"], export["head.head.bias"])

    def forward(
        self, noisy: Tensor, previous: Tensor, cosine: Tensor, sine: Tensor, *past: Tensor
    ) -> tuple[Tensor, ...]:
        layers = len(self.blocks)
        x = self.patch(torch.cat((patches(noisy), patches(previous)), dim=-1))
        fresh: list[Tensor] = []
        for block, past_k, past_v in zip(self.blocks, past[:layers], past[layers:], strict=True):
            x, k, v = block(x, cosine, sine, past_k, past_v)
            fresh += [k, v]
        return (previous + unpatched(self.head(self.norm(x)), noisy), *fresh)


def patches(latent: Tensor) -> Tensor:
    """[1, height, width, channels] to [1, tokens, 4 · channels]."""
    batch, height, width, channels = latent.shape
    cut = latent.reshape(batch, height // 2, 2, width // 2, 2 * channels).transpose(2, 3)
    return cut.reshape(batch, height * width // 4, 4 * channels)


def unpatched(tokens: Tensor, like: Tensor) -> Tensor:
    batch, height, width, channels = like.shape
    cut = tokens.reshape(batch, height // 2, width // 2, 2, 2 * channels).transpose(2, 3)
    return cut.reshape(like.shape)
