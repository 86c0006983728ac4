"""Makes the engines of one model, and keeps on disk what takes time to make."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any

import msgspec

from textsieve.worker import logs
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.graph_builder import GraphBuilder
from textsieve.worker.inference.building.model import (
    Model,
    as_set,
    predictor_over,
    require_torch,
)
from textsieve.worker.inference.cpu_info import Cpu, usable_cores
from textsieve.worker.inference.engines.engine import Engine
from textsieve.worker.inference.engines.onnx import OnnxEngine
from textsieve.worker.inference.engines.report import ONNX_FP32, ONNX_INT8, Candidate, EngineReport
from textsieve.worker.inference.model_folder.load_checks import EXACTLY, ROUGHLY, reads_padding
from textsieve.worker.inference.prediction.transformer import TransformerPredictor

log = logs.get_logger("model")
_READS, _IGNORES = b"reads", b"ignores"  # padding


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

    @property
    def _graphs(self) -> GraphBuilder:
        return GraphBuilder(self.model, self.artifacts, self.cpu, self.network)

    def has_graph(self, candidate: Candidate) -> bool:
        """Whether a graph need not be made by torch."""
        return self._graphs.has(candidate)

    def engine(self, candidate: Candidate) -> Engine:
        """The engine of a candidate; a graph is shipped, lies in the cache of artifacts, or is made.

        Raises:
            ConfigurationError: ONNX Runtime is not installed, torch is not and there is no graph, or the model's files
                are others by now.
            PredictorError: it cannot be made.
        """
        if candidate.engine == "onnx":
            made = OnnxEngine(self._graphs.session(candidate, threads=self.cores))
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

    def is_proven(self) -> bool:
        """Whether the graph in float32 is one that is shipped, which a test holds to torch bit for bit."""
        return self._graphs.shipped(ONNX_FP32) is not None

    def report_key(self, possible: Sequence[Candidate]) -> str:
        """Changes with the model, its head, the machine, the versions, the threads, the texts and the choice."""
        names = [candidate.name for candidate in possible]
        versions = {name: _version(name) for name in ("torch", "transformers", "onnxruntime")}
        made = self._graphs.key(ONNX_INT8)  # the model, and how int8 is made on this processor
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


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
