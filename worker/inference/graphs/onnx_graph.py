"""An ONNX graph that is looked through and changed: who makes a value, who reads it, which are constants."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

MERGED = [0, 2, 1, 3]  # the order of axes that exchanges heads and width


@dataclass(frozen=True, slots=True)
class Linear:
    """A product with a constant matrix, and the constant vector that is added to it where there is one."""

    product: Any  # onnx.NodeProto
    weight: str
    add: Any | None = None
    bias: str | None = None

    @property
    def output(self) -> str:
        """What follows it reads."""
        return str((self.add or self.product).output[0])


class Graph:
    """A graph that is changed in place; `tidy` after changes, since what was looked up is not noticed to be old.

    Args:
        model: onnx.ModelProto.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._look()
        self._read_constants_directly()

    @property
    def nodes(self) -> Sequence[Any]:
        """In the order of computation."""
        nodes: Sequence[Any] = self.model.graph.node
        return nodes

    def maker(self, value: str) -> Any | None:
        """The node that makes a value; None for inputs and constants."""
        return self._makers.get(value)

    def readers(self, value: str) -> list[Any]:
        """The nodes that read it."""
        return self._readers.get(value, [])

    def constant(self, value: str) -> NDArray[np.float32] | None:
        """Its numbers, where it is a float32 constant."""
        tensor = self._constants.get(value)
        if tensor is None or tensor.data_type != onnx.TensorProto.FLOAT:
            return None
        return np.asarray(numpy_helper.to_array(tensor))

    def sizes(self, value: str) -> tuple[int, ...]:
        """The shape of a float32 constant; () for everything else."""
        tensor = self._constants.get(value)
        return () if tensor is None or tensor.data_type != onnx.TensorProto.FLOAT else tuple(tensor.dims)

    def add_constant(self, name: str, value: NDArray[Any]) -> str:
        """A new constant; its name."""
        tensor = numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        self.model.graph.initializer.append(tensor)
        return name

    def replace(self, nodes: Sequence[Any]) -> None:
        """These nodes, in the order of computation, are the graph."""
        del self.model.graph.node[:]
        self.model.graph.node.extend(nodes)
        self.tidy()

    def tidy(self) -> None:
        """Leave out what nobody reads, and look again."""
        graph = self.model.graph
        wanted = {output.name for output in graph.output}
        kept = []
        for node in reversed(graph.node):
            if wanted.intersection(node.output):
                kept.append(node)
                wanted.update(node.input)
        constants = [tensor for tensor in graph.initializer if tensor.name in wanted]
        for field, values in ((graph.node, kept[::-1]), (graph.initializer, constants), (graph.value_info, [])):
            copies = [type(value).FromString(value.SerializeToString()) for value in values]
            del field[:]
            field.extend(copies)
        self._look()

    def linears(self) -> dict[str, list[Linear]]:
        """Of every value that is multiplied by constant matrices, what it is multiplied by."""
        found: dict[str, list[Linear]] = {}
        for node in self.nodes:
            if node.op_type == "MatMul" and len(self.sizes(node.input[1])) == 2:  # noqa: PLR2004  # a matrix
                found.setdefault(node.input[0], []).append(self._with_bias(node))
        return found

    def shorten_attention(self) -> None:
        """Let attention read what linear layers make, and them what it makes, without reshaping to heads and back.

        The operator takes all heads side by side, as the layers have them; frameworks split and merge in between.
        """
        linears = {linear.output: linear for group in self.linears().values() for linear in group}
        for node in self.nodes:
            if node.op_type != "MultiHeadAttention":
                continue
            sources = [self._source(value) for value in list(node.input)[:3]]
            if any(source not in linears for source in sources):
                continue
            node.input[0], node.input[1], node.input[2] = sources
            width = self.sizes(linears[sources[2]].weight)[1]
            for reader in list(self._behind(node.output[0])):
                if self.sizes(reader.input[1])[:1] == (width,):
                    reader.input[0] = node.output[0]
        self.tidy()

    def _read_constants_directly(self) -> None:
        """Exporters keep one of several equal constants, and name it again by a node that does nothing."""
        others = {
            node.output[0]: node.input[0]
            for node in self.nodes
            if node.op_type == "Identity" and node.input[0] in self._constants
        }
        for node in self.nodes:
            for place, value in enumerate(node.input):
                node.input[place] = others.get(value, value)
        self.tidy()

    def _source(self, value: str) -> str:
        """What was there before axes were split, exchanged and exchanged back, and merged; else the value itself."""
        exchanged, source = 0, value
        while (maker := self.maker(source)) is not None and maker.op_type in ("Reshape", "Transpose"):
            if maker.op_type == "Transpose":
                if list(onnx.helper.get_node_attr_value(maker, "perm")) != MERGED:
                    return value
                exchanged += 1
            source = maker.input[0]
        return source if exchanged % 2 == 0 else value

    def _behind(self, value: str) -> Iterator[Any]:
        """The products with matrices that read a value, perhaps after its last axis was split and merged again."""
        for reader in self.readers(value):
            if reader.op_type == "Reshape" and reader.input[0] == value:
                yield from self._behind(reader.output[0])
            elif reader.op_type == "MatMul" and reader.input[0] == value:
                yield reader

    def _with_bias(self, product: Any) -> Linear:
        readers = self.readers(product.output[0])
        if len(readers) == 1 and readers[0].op_type == "Add":
            others = [value for value in readers[0].input if value != product.output[0]]
            if len(others) == 1 and len(self.sizes(others[0])) == 1:
                return Linear(product, product.input[1], readers[0], others[0])
        return Linear(product, product.input[1])

    def _look(self) -> None:
        graph = self.model.graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {output: node for node in graph.node for output in node.output}
        self._readers: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for value in node.input:
                self._readers[value].append(node)
