"""From a graph in float32 to one whose linear layers multiply in int8, and whose table of words is int8.

Every channel of a layer's input gets a scale and a shift of its own, fixed beforehand: the scale goes into the weights,
the shift into the bias, and what applies them into whatever makes the input. At run time there is one conversion to
bytes and one product. Nothing depends on other tokens, so the answer to a text does not depend on those beside it
(docs/decisions/0034-int8-by-channels.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.graphs.activation_ranges import Channels, Range, observed
from textsieve.worker.inference.graphs.onnx_graph import Graph, Linear

DOMAIN = "com.microsoft"  # of ONNX Runtime's own operators
LARGEST = 127  # of an int8 weight
BYTES = 255.0  # steps of an unsigned byte
MARGIN = 1.2  # times the range that the texts show: other texts go a little beyond
EVENNESS = 0.6  # 1: each channel its own scale; 0: all the same. Weights have one scale a column, and pay for the first
LEAST_SCALE = 1e-9  # a channel that never moves has no range to divide by
LARGE_TABLE = 4096  # rows; what is smaller is no table of words, and saves nothing

Weights = NDArray[np.float32]  # [in, out]


@dataclass(frozen=True, slots=True)
class _Bytes:
    """How a value becomes bytes: value / scale + shift, rounded; `zero` is the byte of the operator, else 0.

    Attributes:
        maker: the operator that makes the value and takes scale and shift over; "" where a multiplication must do it.
    """

    scale: Channels
    shift: Channels
    zero: int
    maker: str


def ranges_of(graph: bytes, batches: Iterable[TokenBatch]) -> dict[str, Range]:
    """What comes into the linear layers of a graph.

    Args:
        graph: an ONNX model in float32, its weights inside.
        batches: of texts that show it, at least one.

    Raises:
        PredictorError: it has no linear layers over tokens, or ONNX Runtime does not run it.
    """
    shortened = _shortened(graph)
    ranges = observed(shortened.model, list(shortened.linears()), batches)
    if not ranges:
        raise PredictorError("int8: expected a graph with linear layers over tokens, got none")
    return ranges


def quantized(graph: bytes, ranges: Mapping[str, Range], *, sums_exactly: bool) -> bytes:
    """The graph in int8.

    Args:
        graph: an ONNX model in float32, its weights inside.
        ranges: see `ranges_of`.
        sums_exactly: whether the CPU adds products of bytes in 32 bits; else two neighbours must fit into 16.
    """
    changed = _shortened(graph)
    linears = changed.linears()
    forms = {value: _form(changed, value, ranges[value], linears) for value in ranges}
    _multiply_in_int8(changed, {value: linears[value] for value in ranges}, forms, ranges, sums_exactly=sums_exactly)
    _shrink_tables(changed)
    content: bytes = changed.model.SerializeToString()
    return content


def _shortened(graph: bytes) -> Graph:
    shortened = Graph(onnx.load_from_string(graph))
    shortened.shorten_attention()
    return shortened


def _form(graph: Graph, value: str, seen: Range, linears: Mapping[str, list[Linear]]) -> _Bytes:
    low, high = np.minimum(seen.low, 0), np.maximum(seen.high, 0)
    middle, half = (low + high) / 2, (high - low) / 2 * MARGIN
    own = np.maximum(2 * half / BYTES, LEAST_SCALE)
    scale = np.maximum(own**EVENNESS * own.max() ** (1 - EVENNESS), own)
    maker = graph.maker(value)
    if maker is not None and _takes_over(graph, maker, linears):
        return _Bytes(scale, BYTES / 2 - middle / scale, 0, str(maker.op_type))
    below, above = np.max((half - middle) / scale), np.max((half + middle) / scale)
    zero = int(np.clip(np.ceil(BYTES * below / (below + above)), 1, BYTES - 1)) if below > 0 else 0
    scale = np.maximum(scale, np.maximum((half + middle) / (BYTES - zero), (half - middle) / max(zero, 1)))
    return _Bytes(scale, np.full_like(scale, zero), zero, "")


def _takes_over(graph: Graph, maker: Any, linears: Mapping[str, list[Linear]]) -> bool:
    """Whether what makes a value can multiply and shift its channels at no cost."""
    if maker.op_type == "LayerNormalization":
        return all(graph.constant(value) is not None for value in list(maker.input)[1:])
    if maker.op_type != "MultiHeadAttention":
        return False
    values = {linear.output for group in linears.values() for linear in group}  # attention is a mean of these rows
    has_bias = len(maker.input) > 3 and maker.input[3] != ""  # noqa: PLR2004
    return maker.input[2] in values and len(graph.readers(maker.input[2])) == 1 and not has_bias


def _multiply_in_int8(
    graph: Graph,
    linears: Mapping[str, list[Linear]],
    forms: Mapping[str, _Bytes],
    ranges: Mapping[str, Range],
    *,
    sums_exactly: bool,
) -> None:
    after = {}  # what attention is a mean of -> the form that attention's own readers want
    for value, form in forms.items():
        maker = graph.maker(value)
        if form.maker == "MultiHeadAttention" and maker is not None:
            after[maker.input[2]] = form
    one = graph.add_constant("int8.one", np.ones((), np.float32))
    starts: dict[str, list[Any]] = {}
    gone: set[str] = set()
    for number, (value, group) in enumerate(linears.items()):
        name = f"int8.{number}"
        nodes = _to_bytes(graph, value, forms[value], name, one)
        for place, linear in enumerate(group):
            weights = np.asarray(graph.constant(linear.weight))
            bias = None if linear.bias is None else graph.constant(linear.bias)
            form, mean = forms[value], ranges[value].mean
            rounded, step = rounded_weights(weights * form.scale[:, None], sums_exactly=sums_exactly)
            # what rounding the weights does to the mean of the input is known, and taken away
            shift = mean @ weights - (mean / form.scale + form.shift) @ rounded * step + (0 if bias is None else bias)
            wanted = after.get(linear.output)
            if wanted is not None:
                step, shift = step / wanted.scale, shift / wanted.scale + wanted.shift
            inputs = [f"{name}.bytes", graph.add_constant(f"{name}.{place}.weight", rounded.astype(np.int8)), one]
            inputs += [graph.add_constant(f"{name}.{place}.step", step.astype(np.float32)), "", ""]
            inputs += [graph.add_constant(f"{name}.{place}.bias", shift.astype(np.float32))]
            nodes.append(helper.make_node("MatMulIntegerToFloat", inputs, [linear.output], domain=DOMAIN))
            gone.update((linear.product.output[0], linear.output))
        starts[group[0].product.output[0]] = nodes
    kept: list[Any] = []
    for node in graph.nodes:
        kept += starts.get(node.output[0], [])
        if node.output[0] not in gone:
            kept.append(node)
    _domain(graph)
    graph.replace(kept)


def _to_bytes(graph: Graph, value: str, form: _Bytes, name: str, one: str) -> list[Any]:
    """The nodes that make `{name}.bytes`."""
    nodes, source = [], value
    maker = graph.maker(value)
    if form.maker == "LayerNormalization" and maker is not None:
        # once more, for the bytes: what else reads it wants the plain one
        norm = [np.asarray(graph.constant(part)) for part in list(maker.input)[1:]]
        gain = graph.add_constant(f"{name}.gain", norm[0] / form.scale)
        base = (norm[1] if len(norm) > 1 else 0) / form.scale + form.shift
        source = f"{name}.scaled"
        again = helper.make_node(
            maker.op_type, [maker.input[0], gain, graph.add_constant(f"{name}.base", base)], [source]
        )
        again.attribute.extend(maker.attribute)
        nodes.append(again)
    elif not form.maker:
        source = f"{name}.scaled"
        nodes.append(helper.make_node("Mul", [value, graph.add_constant(f"{name}.inverse", 1 / form.scale)], [source]))
    zero = graph.add_constant(f"{name}.zero", np.asarray(form.zero, np.uint8))
    return [*nodes, helper.make_node("QuantizeLinear", [source, one, zero], [f"{name}.bytes"])]


def rounded_weights(weights: Weights, *, sums_exactly: bool) -> tuple[Weights, Channels]:
    """Whole numbers of at most LARGEST, and the step of each column that they count.

    A CPU that adds the products of two neighbours in 16 bits clips beyond 32,767: an unsigned byte times 128. So there
    the sum of two neighbours is kept to that, which costs less than to keep each of them to half of it.

    Args:
        weights: [in, out].
        sums_exactly: see `quantized`.
    """
    largest = np.abs(weights).max(axis=0)  # [out]
    if not sums_exactly:
        even = len(weights) // 2 * 2
        largest = np.maximum(largest, np.abs(weights[0:even:2] + weights[1:even:2]).max(axis=0, initial=0))
    step = np.maximum(largest / LARGEST, LEAST_SCALE).astype(np.float32)
    return np.clip(np.round(weights / step), -LARGEST, LARGEST), step


def _shrink_tables(graph: Graph) -> None:
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


def _domain(graph: Graph) -> None:
    if DOMAIN not in {opset.domain for opset in graph.model.opset_import}:
        graph.model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
