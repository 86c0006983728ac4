"""Makes the engines of one model, and keeps on disk what takes time to make."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata, util
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from textsieve.worker import logs
from textsieve.worker.batching import cut_batches
from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.cpu_info import Cpu, usable_cores
from textsieve.worker.inference.engines.engine import Engine, TokenBatch
from textsieve.worker.inference.engines.onnx import FORMAT, OnnxEngine, Session, open_session
from textsieve.worker.inference.engines.report import ONNX_FP32, ONNX_INT8, Candidate, EngineReport
from textsieve.worker.inference.graphs.external_weights import GraphWithoutWeights, initializer_values, with_weights
from textsieve.worker.inference.graphs.shipped import shipped_graph, shipped_ranges
from textsieve.worker.inference.heads.linear import Head
from textsieve.worker.inference.model_folder.folder import ModelFolder
from textsieve.worker.inference.model_folder.load_checks import EXACTLY, ROUGHLY, reads_padding
from textsieve.worker.inference.model_folder.model_files import read_weights
from textsieve.worker.inference.model_folder.sentence_modules import Pooling
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard

log = logs.get_logger("model")

_READS, _IGNORES = b"reads", b"ignores"  # padding
_RANGING_BATCH_TOKENS = 256  # of a device batch, while ranges are found
_RANGED = 1  # grows when ranges are found, or used, otherwise


@dataclass(frozen=True, slots=True)
class Model:
    """What every engine is made from.

    Attributes:
        files: what its folder says; the network is built from it where no graph is at hand.
        head: reads what the engine hands over.
        head_pooling: makes what the head reads, unscaled; None: it reads the embedding, or logits.
    """

    files: ModelFolder
    head: Head
    card: ModelCard
    head_pooling: Pooling | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """With its window."""
        return self.files.tokenizer

    @property
    def identity(self) -> str:
        """32 hex digits of all that its graph depends on; neither the head nor any version of a library is in them.

        A graph may so be made where torch is, and be served where it is not.
        """
        kind = "encoder" if self.files.head is None else "classifier"
        parts = [FORMAT, kind, self.files.weights_sha256, self.files.files_sha256, self.files.pooling]
        return hashlib.sha256(json.dumps([*parts, self.head_pooling]).encode()).hexdigest()[:32]


@dataclass(slots=True)
class EngineBuilder:
    """Engines for one CPU.

    Attributes:
        threads: of the forward pass; all cores that this process may use if None.
    """

    model: Model
    artifacts: ArtifactCache
    cpu: Cpu
    threads: int | None = None
    _ignored: set[str] = field(default_factory=set, init=False)  # keys of reports that were warned of
    _network: Any = field(default=None, init=False)  # torch's nn.Module, where it had to be built

    @property
    def cores(self) -> int:
        """Threads in force."""
        return self.threads or usable_cores()

    def engine(self, candidate: Candidate) -> Engine:
        """The engine of a candidate; a graph is shipped, lies in the cache of artifacts, or is made.

        Raises:
            ConfigurationError: ONNX Runtime is not installed, torch is not and there is no graph, or the model's files
                are others by now.
            PredictorError: it cannot be made.
        """
        if candidate.engine == "onnx":
            made = OnnxEngine(self._session(candidate))
            self._settle_padding(made, candidate)
            return made
        from textsieve.worker.inference.building.torch_builder import torch_engine  # noqa: PLC0415  # imports torch: seconds

        return torch_engine(self.network(), candidate.precision)

    def predictor(self, candidate: Candidate, *, max_batch_tokens: int) -> TransformerPredictor:
        """A predictor over that engine. Raises as `engine`."""
        return predictor_over(self.engine(candidate), self.model, self.report(candidate, max_batch_tokens))

    def report(self, candidate: Candidate, max_batch_tokens: int) -> EngineReport:
        """The report where nothing was chosen."""
        return replace(as_set(candidate, max_batch_tokens), threads=self.cores)

    def has_graph(self, candidate: Candidate) -> bool:
        """Whether a graph need not be made by torch."""
        if (
            self._shipped(candidate) is not None
            or self.artifacts.path(f"graph-{self._graph_key(candidate)}") is not None
        ):
            return True
        return candidate != ONNX_FP32 and util.find_spec("onnx") is not None and self.has_graph(ONNX_FP32)

    def is_proven(self) -> bool:
        """Whether the graph in float32 is one that is shipped, which a test holds to torch bit for bit."""
        return self._shipped(ONNX_FP32) is not None

    def report_key(self, possible: Sequence[Candidate]) -> str:
        """Changes with the model, its head, the machine, the versions, the threads, the texts and the choice."""
        names = [candidate.name for candidate in possible]
        versions = {name: _version(name) for name in ("torch", "transformers", "onnxruntime")}
        made = self._graph_key(ONNX_INT8)  # the model, and how int8 is made on this processor
        parts = [made, self.model.head.digest(), self.cpu.name, self.cores, names, versions]
        return f"choice-{_digest([*parts, calibration_texts()])}"

    def stored(self, key: str, *, allowed: Collection[Candidate]) -> EngineReport | None:
        """The report of an earlier start; one that makes no sense is ignored with one WARNING.

        Args:
            key: see `report_key`.
            allowed: the candidates that it may name.
        """
        content = self.artifacts.get(key)
        if content is None:
            return None
        try:
            report = msgspec.json.decode(content, type=EngineReport)
        except msgspec.MsgspecError as error:  # of another version of the worker, or of nobody
            fault = str(error)
        else:
            fault = report.fault(allowed)
            if not fault:
                return replace(report, cached=True, seconds=0.0)
        if key not in self._ignored:
            log.warning("the kept choice of an engine is ignored, it is made again", key=key, got=fault)
        self._ignored.add(key)
        return None

    def network(self) -> Any:
        """The torch network, in float32 on the CPU; built at the first call.

        Raises:
            ConfigurationError: torch is not installed, or the folder is broken.
        """
        if self._network is None:
            require_torch(self.model.files.folder)
            from textsieve.worker.inference.building.torch_builder import build_network  # noqa: PLC0415  # imports torch: seconds

            self._network = build_network(self.model, threads=self.threads)
            self.artifacts.put(self._padding_key, _READS if self.model.tokenizer.unpadded else _IGNORES)
        return self._network

    def _settle_padding(self, engine: Engine, candidate: Candidate) -> None:
        """Whether the network reads padding, which was tried where it was built; a graph that was kept knows it not."""
        tokenizer = self.model.tokenizer
        if self._network is not None or tokenizer.unpadded or self.is_proven():
            return
        known = self.artifacts.get(self._padding_key)
        if known is None:
            tolerance = EXACTLY if candidate.precision == "fp32" else ROUGHLY
            folder = self.model.files.folder
            known = _READS if reads_padding(engine, tokenizer, folder=folder, tolerance=tolerance) else _IGNORES
        tokenizer.unpadded = known == _READS

    @property
    def _padding_key(self) -> str:
        return f"padding-{self.model.identity}"

    def _session(self, candidate: Candidate) -> Session:
        shipped = self._shipped(candidate)
        if shipped:
            weights = initializer_values(shipped.initializers, self._weights())
            return open_session(shipped.graph, threads=self.cores, weights=weights)
        return open_session(self._graph(candidate), threads=self.cores)

    def _weights(self) -> Mapping[str, NDArray[Any]]:
        """The tensors of the model's files, which are still those that were there at the start."""
        tensors = read_weights(self.model.files.path)
        self.model.files.require_unchanged()
        return tensors

    def _graph(self, candidate: Candidate) -> bytes | Path:
        key = f"graph-{self._graph_key(candidate)}"
        with self.artifacts.lock(key):
            kept = self.artifacts.path(key)
            if kept:
                return kept
            graph = self._in_int8() if candidate.precision == "int8" else self._exported()
            self.artifacts.put(key, graph)
        return self.artifacts.path(key) or graph

    def _exported(self) -> bytes:
        network = self.network()
        from textsieve.worker.inference.graphs.export import export_graph  # noqa: PLC0415  # imports torch: seconds

        return export_graph(network)

    def _in_int8(self) -> bytes:
        if util.find_spec("onnx") is None:
            raise PredictorError("int8: expected the package onnx, to make the graph, got none; run `pip install onnx`")
        graph = self._whole()
        from textsieve.worker.inference.graphs.int8 import quantized, ranges_of  # noqa: PLC0415  # imports onnx

        try:
            ranges = shipped_ranges(self._graph_key(ONNX_FP32)) or ranges_of(graph, ranging_batches(self.model))
            return quantized(graph, ranges, sums_exactly=self.cpu.sums_bytes_exactly)
        except PredictorError:
            raise
        except Exception as error:  # a graph may be of any shape, and onnx and ONNX Runtime raise anything
            raise PredictorError(f"int8: the graph cannot be made: {type(error).__name__}") from error

    def _whole(self) -> bytes:
        """The graph in float32, its weights inside."""
        shipped = self._shipped(ONNX_FP32)
        if shipped:
            return with_weights(shipped, self._weights())
        kept = self._graph(ONNX_FP32)
        return kept.read_bytes() if isinstance(kept, Path) else kept

    def _shipped(self, candidate: Candidate) -> GraphWithoutWeights | None:
        return shipped_graph(self._graph_key(candidate))

    def _graph_key(self, candidate: Candidate) -> str:
        way = "" if candidate == ONNX_FP32 else f"{'exact' if self.cpu.sums_bytes_exactly else 'paired'}-{_RANGED}"
        return graph_key(self.model, candidate, way=way)


def graph_key(model: Model, candidate: Candidate, *, way: str = "") -> str:
    """The name of a graph: precision, in which way, and what it was made from."""
    return "-".join(part for part in (candidate.precision, way, model.identity) if part)


def ranging_batches(model: Model) -> Iterator[TokenBatch]:
    """Every other calibration text: the trials compare what was made by them on the others, too."""
    tokens = model.tokenizer.tokenize(calibration_texts(model.tokenizer.tokenize)[::2])
    for rows in cut_batches(tokens.lengths, max_batch_tokens=_RANGING_BATCH_TOKENS):
        yield model.tokenizer.pad(tokens, rows)


def require_torch(folder: Path) -> None:
    """Say how to install it where it is needed and not there.

    Raises:
        ConfigurationError: torch or transformers are not installed.
    """
    absent = [name for name in ("torch", "transformers", "onnx") if util.find_spec(name) is None]
    if absent:
        raise ConfigurationError(
            f"{folder}: expected {' and '.join(absent)}, to run this model or to make its graph, got none; run "
            "`make torch`, or `pip install 'textsieve[torch]'`, or set model.path to default"
        )


def as_set(candidate: Candidate, max_batch_tokens: int) -> EngineReport:
    """The report where nothing was chosen, on all cores."""
    return EngineReport(candidate.engine, candidate.precision, "as set", max_batch_tokens, usable_cores())


def predictor_over(engine: Engine, model: Model, report: EngineReport) -> TransformerPredictor:
    """The predictor of a model over an engine."""
    return TransformerPredictor(
        replace(model.card, engine=report.candidate.name),
        tokenizer=model.tokenizer,
        engine=engine,
        head=model.head,
        max_batch_tokens=report.max_batch_tokens,
        report=report,
    )


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
