"""How a value becomes bytes: a scale and a shift for each of its channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from textsieve.worker.inference.graphs.activation_ranges import Channels, Range
from textsieve.worker.inference.graphs.onnx_graph import Graph, Linear

BYTES = 255.0  # steps of an unsigned byte
MARGIN = 1.2  # times the range that the texts show: other texts go a little beyond
EVENNESS = 0.6  # 1: each channel its own scale; 0: all the same. Weights have one scale a column, and pay for the first
LEAST_SCALE = 1e-9  # a channel that never moves has no range to divide by


@dataclass(frozen=True, slots=True)
class QuantParams:
    """How a value becomes bytes: value / scale + shift, rounded; `zero` is the byte of the operator, else 0.

    Attributes:
        maker: the operator that makes the value and takes scale and shift over; "" where a multiplication must do it.
    """

    scale: Channels
    shift: Channels
    zero: int
    maker: str


def quant_params(graph: Graph, value: str, seen: Range, linears: Mapping[str, list[Linear]]) -> QuantParams:
    """Of a value that linear layers read, by the range that was seen of each channel."""
    low, high = np.minimum(seen.low, 0), np.maximum(seen.high, 0)
    middle, half = (low + high) / 2, (high - low) / 2 * MARGIN
    own = np.maximum(2 * half / BYTES, LEAST_SCALE)
    scale = np.maximum(own**EVENNESS * own.max() ** (1 - EVENNESS), own)
    maker = graph.maker(value)
    if maker is not None and takes_over(graph, maker, linears):
        return QuantParams(scale, BYTES / 2 - middle / scale, 0, str(maker.op_type))
    below, above = np.max((half - middle) / scale), np.max((half + middle) / scale)
    zero = int(np.clip(np.ceil(BYTES * below / (below + above)), 1, BYTES - 1)) if below > 0 else 0
    scale = np.maximum(scale, np.maximum((half + middle) / (BYTES - zero), (half - middle) / max(zero, 1)))
    return QuantParams(scale, np.full_like(scale, zero), zero, "")


def takes_over(graph: Graph, maker: Any, linears: Mapping[str, list[Linear]]) -> bool:
    """Whether what makes a value can multiply and shift its channels at no cost."""
    if maker.op_type == "LayerNormalization":
        return all(graph.constant(value) is not None for value in list(maker.input)[1:])
    if maker.op_type != "MultiHeadAttention":
        return False
    values = {linear.output for group in linears.values() for linear in group}  # attention is a mean of these rows
    has_bias = len(maker.input) > 3 and maker.input[3] != ""  # noqa: PLR2004
    return maker.input[2] in values and len(graph.readers(maker.input[2])) == 1 and not has_bias
