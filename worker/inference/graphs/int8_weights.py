"""Weights in int8: matrices of layers, and tables of words."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from textsieve.worker.inference.graphs.activation_ranges import Channels
from textsieve.worker.inference.graphs.onnx_graph import Graph
from textsieve.worker.inference.graphs.quant_params import LEAST_SCALE

LARGEST = 127  # of an int8 weight
LARGE_TABLE = 4096  # rows; what is smaller is no table of words, and saves nothing
Weights = NDArray[np.float32]  # [in, out]


def rounded_weights(weights: Weights, *, sums_exactly: bool) -> tuple[Weights, Channels]:
    """Whole numbers of at most LARGEST, and the step of each column that they count.

    A CPU that adds the products of two neighbours in 16 bits clips beyond 32,767: an unsigned byte times 128. So there
    the sum of two neighbours is kept to that, which costs less than to keep each of them to half of it.

    Args:
        weights: [in, out].
        sums_exactly: see `quantize_graph`.
    """
    largest = np.abs(weights).max(axis=0)  # [out]
    if not sums_exactly:
        even = len(weights) // 2 * 2
        largest = np.maximum(largest, np.abs(weights[0:even:2] + weights[1:even:2]).max(axis=0, initial=0))
    step = np.maximum(largest / LARGEST, LEAST_SCALE).astype(np.float32)
    return np.clip(np.round(weights / step), -LARGEST, LARGEST), step


def shrink_tables(graph: Graph) -> None:
    """Tables of words in int8, with a step for each row: the greater part of a multilingual model."""
    kept: list[Any] = []
    for node in graph.nodes:
        sizes = graph.sizes(node.input[0]) if node.op_type == "Gather" else ()
        if len(sizes) != 2 or sizes[0] < LARGE_TABLE:  # noqa: PLR2004  # a matrix
            kept.append(node)
            continue
        table = np.asarray(graph.constant(node.input[0]))
        rounded, step = rounded_weights(table.T, sums_exactly=True)  # [dim, words], [words]
        name, output = f"int8.{node.input[0]}", node.output[0]
        rows, steps = (
            graph.add_constant(name, rounded.T.astype(np.int8)),
            graph.add_constant(f"{name}.step", step[:, None]),
        )
        kept += [
            helper.make_node("Gather", [rows, node.input[1]], [f"{output}.int8"]),
            helper.make_node("Cast", [f"{output}.int8"], [f"{output}.rounded"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Gather", [steps, node.input[1]], [f"{output}.step"]),
            helper.make_node("Mul", [f"{output}.rounded", f"{output}.step"], [output]),
        ]
    graph.replace(kept)
