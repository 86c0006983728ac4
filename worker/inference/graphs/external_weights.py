"""A graph without its weights, and how each of them is made again from the tensors of a model's safetensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]

SMALL = 256  # bytes; smaller constants stay in the graph
_ELSEWHERE = "given at load"  # where the graph says that its weights are; no file of that name is ever looked for


class Initializer(msgspec.Struct, frozen=True):
    """What one weight of a graph is made from.

    Attributes:
        name: of the weight in the graph.
        tensor: of the safetensors.
        form: as it lies there, or turned.
    """

    name: str
    tensor: str
    form: str


@dataclass(frozen=True, slots=True)
class GraphWithoutWeights:
    """A graph and its recipe."""

    graph: bytes
    initializers: tuple[Initializer, ...]


def initializer_values(initializers: tuple[Initializer, ...], tensors: Tensors) -> dict[str, NDArray[Any]]:
    """Name in the graph -> weight.

    Raises:
        KeyError: a tensor is not there.
    """
    return {one.name: _FORMS[one.form](tensors[one.tensor]) for one in initializers}


def with_weights(graph: GraphWithoutWeights, tensors: Tensors) -> bytes:
    """The graph with its weights inside. Needs the package onnx.

    Raises:
        KeyError: a tensor is not there.
    """
    import onnx  # noqa: PLC0415  # only where graphs are made

    weights = initializer_values(graph.initializers, tensors)
    model = onnx.load_from_string(graph.graph)
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights[tensor.name], tensor.name))
    content: bytes = model.SerializeToString()
    return content


def without_weights(graph: bytes, tensors: Tensors) -> GraphWithoutWeights:
    """Take the weights out of an exported graph. Needs the package onnx.

    Args:
        graph: an ONNX model, its weights inside.
        tensors: that it was made from.

    Raises:
        ValueError: a weight is none of the tensors, whole or turned.
    """
    import onnx  # noqa: PLC0415  # only where graphs are made

    model = onnx.load_from_string(graph)
    known = _known(tensors)
    initializers: list[Initializer] = []
    for weight in model.graph.initializer:
        value = onnx.numpy_helper.to_array(weight)
        if value.nbytes <= SMALL:
            continue
        found = known.get(_content(value))
        if found is None:
            raise ValueError(f"{weight.name}: expected a weight of the model, got other numbers {value.shape}")
        tensor, form = found
        initializers.append(Initializer(weight.name, tensor, form))
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        del weight.external_data[:]
        weight.external_data.add(key="location", value=_ELSEWHERE)
    return GraphWithoutWeights(model.SerializeToString(deterministic=True), tuple(initializers))


def _known(tensors: Tensors) -> dict[object, tuple[str, str]]:
    """Content -> (tensor, form), in every form that a graph may have it in; where two are equal either will do."""
    known: dict[object, tuple[str, str]] = {}
    for name, tensor in tensors.items():
        for form, make in _FORMS.items():
            known.setdefault(_content(make(tensor)), (name, form))
    return known


def _content(value: NDArray[Any]) -> object:
    return str(value.dtype), value.shape, hash(value.tobytes())


_FORMS: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "plain": np.ascontiguousarray,
    "turned": lambda tensor: np.ascontiguousarray(tensor.T),
}
