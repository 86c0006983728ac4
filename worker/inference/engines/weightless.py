"""A graph without its weights, and how each of them is made again from the tensors of a model's safetensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from worker.inference.engines.quantization import Quantized, quantize

Tensors = Mapping[str, NDArray[Any]]

SMALL = 256  # bytes; smaller constants stay in the graph
_ELSEWHERE = "given at load"  # where the graph says that its weights are; no file of that name is ever looked for


class Ingredient(msgspec.Struct, frozen=True):
    """What one weight of a graph is made from.

    Attributes:
        name: of the weight in the graph.
        tensor: of the safetensors.
        form: as it lies there, turned, or in int8 (see `quantize`).
        largest: of weights in int8, else 0.
    """

    name: str
    tensor: str
    form: str
    largest: int = 0


@dataclass(frozen=True, slots=True)
class Weightless:
    """A graph and its recipe."""

    graph: bytes
    ingredients: tuple[Ingredient, ...]


def weights_of(ingredients: tuple[Ingredient, ...], tensors: Tensors) -> dict[str, NDArray[Any]]:
    """Name in the graph -> weight.

    Raises:
        KeyError: a tensor is not there.
    """
    quantized: dict[tuple[str, int], Quantized] = {}  # weight and scale come from one computation
    made: dict[str, NDArray[Any]] = {}
    for one in ingredients:
        tensor = tensors[one.tensor]
        if one.form in _INT8 and (one.tensor, one.largest) not in quantized:
            quantized[one.tensor, one.largest] = quantize(tensor, largest=one.largest)
        part = quantized.get((one.tensor, one.largest))
        made[one.name] = _INT8[one.form](part) if part and one.form in _INT8 else _PLAIN[one.form](tensor)
    return made


def without_weights(graph: bytes, tensors: Tensors, *, largest: int) -> Weightless:
    """Take the weights out of an exported graph. Needs the package onnx.

    Args:
        graph: an ONNX model, its weights inside.
        tensors: that it was made from.
        largest: of weights in int8.

    Raises:
        ValueError: a weight is none of the tensors, whole or turned or in int8.
    """
    import onnx  # noqa: PLC0415  # only where graphs are made

    model = onnx.load_from_string(graph)
    known = _known(tensors, largest=largest)
    ingredients: list[Ingredient] = []
    for weight in model.graph.initializer:
        value = onnx.numpy_helper.to_array(weight)
        if value.nbytes <= SMALL:
            continue
        found = known.get(_content(value))
        if found is None:
            raise ValueError(f"{weight.name}: expected a weight of the model, came other numbers {value.shape}")
        tensor, form = found
        ingredients.append(Ingredient(weight.name, tensor, form, largest if form in _INT8 else 0))
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        del weight.external_data[:]
        weight.external_data.add(key="location", value=_ELSEWHERE)
    return Weightless(model.SerializeToString(deterministic=True), tuple(ingredients))


def _known(tensors: Tensors, *, largest: int) -> dict[object, tuple[str, str]]:
    """Content -> (tensor, form), in every form that a graph may have it in; where two are equal either will do."""
    known: dict[object, tuple[str, str]] = {}
    for name, tensor in tensors.items():
        forms = {form: make(tensor) for form, make in _PLAIN.items()}
        if tensor.ndim == 2 and tensor.dtype == np.float32:  # noqa: PLR2004 - a matrix
            part = quantize(tensor, largest=largest)
            forms |= {form: make(part) for form, make in _INT8.items()}
        for form, value in forms.items():
            known.setdefault(_content(value), (name, form))
    return known


def _content(value: NDArray[Any]) -> object:
    return str(value.dtype), value.shape, hash(value.tobytes())


_PLAIN: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "plain": np.ascontiguousarray,
    "turned": lambda tensor: np.ascontiguousarray(tensor.T),
}
_INT8: Mapping[str, Callable[[Quantized], NDArray[Any]]] = {
    "int8": lambda part: part.weight,
    "scale": lambda part: part.scale,
}
