"""The graphs of one model: shipped, kept, exported by torch, or quantised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.model import (
    Model,
    graph_key,
    ranging_batches,
)
from textsieve.worker.inference.cpu_info import Cpu
from textsieve.worker.inference.engines.onnx import Session, open_session
from textsieve.worker.inference.engines.report import ONNX_FP32, Candidate
from textsieve.worker.inference.graphs.external_weights import GraphWithoutWeights, initializer_values, with_weights
from textsieve.worker.inference.graphs.shipped import shipped_graph, shipped_ranges
from textsieve.worker.inference.model_folder.model_files import read_weights

_RANGED = 1  # grows when ranges are found, or used, otherwise


@dataclass(frozen=True, slots=True)
class GraphBuilder:
    """Finds or makes a graph; what takes time to make is kept.

    Attributes:
        network: torch's, in float32; built when it is asked for.
    """

    model: Model
    artifacts: ArtifactCache
    cpu: Cpu
    network: Callable[[], Any]

    def session(self, candidate: Candidate, *, threads: int) -> Session:
        """ONNX Runtime over the graph of a candidate.

        Raises:
            ConfigurationError: as `graph`, or ONNX Runtime is not installed.
            PredictorError: as `graph`, or ONNX Runtime refuses it.
        """
        shipped = self.shipped(candidate)
        if shipped:
            weights = initializer_values(shipped.initializers, self._weights())
            return open_session(shipped.graph, threads=threads, weights=weights)
        return open_session(self.graph(candidate), threads=threads)

    def has(self, candidate: Candidate) -> bool:
        """Whether a graph need not be made by torch."""
        if self.shipped(candidate) is not None or self.artifacts.path(f"graph-{self.key(candidate)}") is not None:
            return True
        return candidate != ONNX_FP32 and util.find_spec("onnx") is not None and self.has(ONNX_FP32)

    def graph(self, candidate: Candidate) -> bytes | Path:
        """The graph, or the file that holds it.

        Raises:
            ConfigurationError: torch is needed and not installed, or the folder is broken.
            PredictorError: it cannot be made.
        """
        key = f"graph-{self.key(candidate)}"
        with self.artifacts.lock(key):
            kept = self.artifacts.path(key)
            if kept:
                return kept
            graph = self._in_int8() if candidate.precision == "int8" else self._exported()
            self.artifacts.put(key, graph)
        return self.artifacts.path(key) or graph

    def shipped(self, candidate: Candidate) -> GraphWithoutWeights | None:
        """The graph that is shipped, None where there is none."""
        return shipped_graph(self.key(candidate))

    def key(self, candidate: Candidate) -> str:
        """See `graph_key`; int8 is made in another way where sums of bytes clip."""
        way = "" if candidate == ONNX_FP32 else f"{'exact' if self.cpu.sums_bytes_exactly else 'paired'}-{_RANGED}"
        return graph_key(self.model, candidate, way=way)

    def _exported(self) -> bytes:
        network = self.network()
        from textsieve.worker.inference.graphs.export import export_graph  # noqa: PLC0415  # imports torch: seconds

        return export_graph(network)

    def _in_int8(self) -> bytes:
        if util.find_spec("onnx") is None:
            raise PredictorError("int8: expected the package onnx, to make the graph, got none; run `pip install onnx`")
        graph = self._whole()
        from textsieve.worker.inference.graphs.int8 import quantize_graph, ranges_of  # noqa: PLC0415  # imports onnx

        try:
            ranges = shipped_ranges(self.key(ONNX_FP32)) or ranges_of(graph, ranging_batches(self.model))
            return quantize_graph(graph, ranges, sums_exactly=self.cpu.sums_bytes_exactly)
        except PredictorError:
            raise
        except Exception as error:  # a graph may be of any shape, and onnx and ONNX Runtime raise anything
            raise PredictorError(f"int8: the graph cannot be made: {type(error).__name__}") from error

    def _whole(self) -> bytes:
        """The graph in float32, its weights inside."""
        shipped = self.shipped(ONNX_FP32)
        if shipped:
            return with_weights(shipped, self._weights())
        kept = self.graph(ONNX_FP32)
        return kept.read_bytes() if isinstance(kept, Path) else kept

    def _weights(self) -> Mapping[str, NDArray[Any]]:
        """The tensors of the model's files, which are still those that were there at the start."""
        tensors = read_weights(self.model.files.path)
        self.model.files.require_unchanged()
        return tensors
