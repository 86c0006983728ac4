"""From a graph in float32 to one whose linear layers multiply in int8, and whose table of words is int8.

Every channel of a layer's input gets a scale and a shift of its own, fixed beforehand: the scale goes into the weights,
the shift into the bias, and what applies them into whatever makes the input. At run time there is one conversion to
bytes and one product. Nothing depends on other tokens, so the answer to a text does not depend on those beside it
(docs/decisions/0034-int8-by-channels.md).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper

from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.graphs.activation_ranges import Range, observed
from textsieve.worker.inference.graphs.int8_weights import rounded_weights, shrink_tables
from textsieve.worker.inference.graphs.onnx_graph import Graph, Linear
from textsieve.worker.inference.graphs.quant_params import QuantParams, quant_params

DOMAIN = "com.microsoft"  # of ONNX Runtime's own operators


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


def quantize_graph(graph: bytes, ranges: Mapping[str, Range], *, sums_exactly: bool) -> bytes:
    """The graph in int8.

    Args:
        graph: an ONNX model in float32, its weights inside.
        ranges: see `ranges_of`.
        sums_exactly: whether the CPU adds products of bytes in 32 bits; else two neighbours must fit into 16.
    """
    changed = _shortened(graph)
    linears = changed.linears()
    forms = {value: quant_params(changed, value, ranges[value], linears) for value in ranges}
    _multiply_in_int8(changed, {value: linears[value] for value in ranges}, forms, ranges, sums_exactly=sums_exactly)
    shrink_tables(changed)
    content: bytes = changed.model.SerializeToString()
    return content


def _shortened(graph: bytes) -> Graph:
    shortened = Graph(onnx.load_from_string(graph))
    shortened.shorten_attention()
    return shortened


def _multiply_in_int8(
    graph: Graph,
    linears: Mapping[str, list[Linear]],
    forms: Mapping[str, QuantParams],
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


def _to_bytes(graph: Graph, value: str, form: QuantParams, name: str, one: str) -> list[Any]:
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


def _domain(graph: Graph) -> None:
    if DOMAIN not in {opset.domain for opset in graph.model.opset_import}:
        graph.model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
