"""Makes the engines of one model, and keeps on disk what takes time to make."""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata

import msgspec
import torch
from torch import nn

from worker.inference.calibration import Candidate, EngineReport, calibration_texts
from worker.inference.engines.engine import Engine
from worker.inference.engines.export import FORMAT, Arithmetic, export_graph
from worker.inference.engines.onnx import OnnxEngine, open_session
from worker.inference.engines.torch import TorchEngine
from worker.inference.heads import Head
from worker.inference.machine import Cpu
from worker.inference.predictor import ModelCard
from worker.inference.shelf import Shelf
from worker.inference.transformer import TextTokenizer, TransformerPredictor

_EIGHT_BITS, _SEVEN_BITS = 127, 63  # largest int8 weight: see worker.inference.engines.operators.Linear8


@dataclass(frozen=True, slots=True)
class Model:
    """What every engine is made from.

    Attributes:
        network: in float32 on the CPU, or as it will run on CUDA; gives what the head reads, and embeddings.
        identity: what its graph depends on beside its weights: configuration, structure, poolings.
    """

    network: nn.Module
    head: Head
    tokenizer: TextTokenizer
    card: ModelCard
    identity: str


@dataclass(slots=True)
class Workshop:
    """Engines for one CPU.

    Attributes:
        threads: of the forward pass; all cores if None.
    """

    model: Model
    shelf: Shelf
    cpu: Cpu
    threads: int | None = None
    _weights: str = field(default="", init=False)

    def engine(self, candidate: Candidate) -> Engine:
        """The engine of a candidate; a graph comes from the shelf where it lies there.

        Raises:
            ConfigurationError: ONNX Runtime is not installed.
            PredictorError: it cannot be made.
        """
        if candidate.engine == "onnx":
            return OnnxEngine(open_session(self._graph(candidate), threads=self.threads))
        network = self.model.network if candidate.precision == "fp32" else _in_bf16(self.model.network)
        return TorchEngine(network, device=torch.device("cpu"))

    def predictor(self, candidate: Candidate, *, max_batch_tokens: int) -> TransformerPredictor:
        """A predictor over that engine. Raises as `engine`."""
        return predictor_over(self.engine(candidate), self.model, as_set(candidate, max_batch_tokens))

    def report_key(self, possible: Sequence[Candidate]) -> str:
        """Changes with the model, its head, the machine, the versions, the threads, the texts and the choice."""
        names = [candidate.name for candidate in possible]
        head = self.model.head.digest()
        return f"choice-{self._key(self.cpu.name, torch.get_num_threads(), names, head, calibration_texts())}"

    def stored(self, key: str) -> EngineReport | None:
        """The report of an earlier start."""
        content = self.shelf.get(key)
        if content is None:
            return None
        try:
            return replace(msgspec.json.decode(content, type=EngineReport), cached=True, seconds=0.0)
        except msgspec.MsgspecError:  # of another version of the worker
            return None

    def _graph(self, candidate: Candidate) -> bytes:
        largest = _EIGHT_BITS if self.cpu.sums_bytes_exactly else _SEVEN_BITS
        key = f"graph-{candidate.precision}-{self._key(candidate.precision, largest)}"
        with self.shelf.alone(key):
            graph = self.shelf.get(key)
            if graph is None:
                arithmetic: Arithmetic = "int8" if candidate.precision == "int8" else "fp32"
                graph = export_graph(self.model.network, precision=arithmetic, largest_weight=largest)
                self.shelf.put(key, graph)
        return graph

    def _key(self, *more: object) -> str:
        self._weights = self._weights or _weights_sha256(self.model.network)
        versions = {name: _version(name) for name in ("torch", "transformers", "onnxruntime")}
        identity = json.dumps([FORMAT, self._weights, self.model.identity, versions, *more], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


def as_set(candidate: Candidate, max_batch_tokens: int) -> EngineReport:
    """The report where nothing was chosen."""
    return EngineReport(candidate.engine, candidate.precision, "as set", max_batch_tokens, torch.get_num_threads())


def predictor_over(engine: Engine, model: Model, report: EngineReport) -> TransformerPredictor:
    """The predictor of a model over an engine."""
    return TransformerPredictor(
        replace(model.card, engine=Candidate(report.engine, report.precision).name),
        tokenizer=model.tokenizer,
        engine=engine,
        head=model.head,
        max_batch_tokens=report.max_batch_tokens,
        report=report,
    )


def _in_bf16(network: nn.Module) -> nn.Module:
    """A copy whose encoder computes in bfloat16; heads of ours stay in float32."""
    rough = copy.deepcopy(network)
    for name, child in rough.named_children():
        if name in ("encoder", "classifier"):
            child.to(torch.bfloat16)
    return rough


def _weights_sha256(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
