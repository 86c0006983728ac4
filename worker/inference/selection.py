"""From a network and the settings to the engine that runs it, calibrated where there is a choice."""

import copy
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata, util
from typing import Any

import msgspec
import structlog
import torch
from torch import nn

from worker.errors import ConfigurationError, PredictorError
from worker.inference import calibration
from worker.inference.calibration import REFERENCE, Candidate, EngineReport, Trial
from worker.inference.engines.engine import Engine
from worker.inference.engines.export import FORMAT, export_graph
from worker.inference.engines.onnx import OnnxEngine, open_session
from worker.inference.engines.torch import TorchEngine, choose_device, choose_dtype, precision_of
from worker.inference.machine import Cpu, this_cpu
from worker.inference.predictor import ModelCard
from worker.inference.shelf import Shelf
from worker.inference.transformer import TextTokenizer, TransformerPredictor
from worker.settings import ModelSettings

log = structlog.get_logger(__name__)

CUDA_BATCH_TOKENS = 16_384  # a guess until it is measured on one: a GPU needs thousands of tokens to be busy
HOPELESS = 0.6  # of the best rate: what is slower in its first run is not run again
_EIGHT_BITS, _SEVEN_BITS = 127, 63  # largest int8 weight


@dataclass(frozen=True, slots=True)
class Model:
    """What every engine is made from.

    Attributes:
        network: in float32 on the CPU, or as it will run on CUDA.
        identity: what its graph depends on beside its weights: configuration, pooling, activation.
    """

    network: nn.Module
    tokenizer: TextTokenizer
    card: ModelCard
    identity: str


def select_predictor(model: Model, settings: ModelSettings) -> TransformerPredictor:
    """The predictor over the engine that the settings ask for, or that a calibration finds.

    Raises:
        ConfigurationError: what the settings ask for cannot run here.
        DeviceOutOfMemory: the device cannot hold the weights.
        PredictorError: the model does not answer.
    """
    device = choose_device(settings.device)
    if device.type == "cuda":
        dtype = choose_dtype(settings.precision, device=device)
        budget = settings.max_batch_tokens or CUDA_BATCH_TOKENS
        report = EngineReport("torch", precision_of(dtype), "CUDA", budget, torch.get_num_threads())
        return _predictor(model, TorchEngine(model.network, device=device), report)
    cpu = this_cpu()
    possible = candidates(settings, cpu=cpu, onnx_installed=util.find_spec("onnxruntime") is not None)
    workshop = _Workshop(model, Shelf(settings.cache_folder), cpu, settings.threads)
    if len(possible) == 1 and settings.max_batch_tokens:
        report = _told(possible[0], settings.max_batch_tokens)
        return _predictor(model, workshop.engine(possible[0]), report)
    key = workshop.report_key(possible)
    with workshop.shelf.alone(key):  # who comes second finds what the first has made
        report = workshop.stored(key) or _calibrate(workshop, possible, key)
        engine = workshop.engine(Candidate(report.engine, report.precision))
    report = replace(report, max_batch_tokens=settings.max_batch_tokens or report.max_batch_tokens)
    log.info("engine chosen", **msgspec.to_builtins(report))
    return _predictor(model, engine, report)


def candidates(settings: ModelSettings, *, cpu: Cpu, onnx_installed: bool) -> list[Candidate]:
    """The ways to run on this CPU that the settings allow, float32 first.

    Raises:
        ConfigurationError: there is none.
    """
    ways = [REFERENCE, Candidate("torch", "bf16"), Candidate("onnx", "fp32"), Candidate("onnx", "int8")]
    allowed = [
        way
        for way in ways
        if settings.engine in ("auto", way.engine)
        and settings.precision in ("auto", way.precision)
        and (onnx_installed or way.engine != "onnx")
        and (cpu.native_bf16 or way.precision != "bf16" or settings.precision == "bf16")
    ]
    if not allowed:
        remedy = "fp16 needs CUDA" if settings.precision == "fp16" else "run `pip install onnxruntime`"
        raise ConfigurationError(
            f"model.engine {settings.engine}, model.precision {settings.precision}: nothing on this machine runs so; "
            f"{remedy}, or set both to auto"
        )
    return allowed


@dataclass(slots=True)
class _Workshop:
    """Makes engines and keeps what can be kept."""

    model: Model
    shelf: Shelf
    cpu: Cpu
    threads: int | None
    _weights: str = ""

    def engine(self, candidate: Candidate) -> Engine:
        """The engine of a candidate, its graph from the shelf where it lies there.

        Raises:
            PredictorError: it cannot be made.
        """
        if candidate.engine == "onnx":
            return OnnxEngine(open_session(self._graph(candidate), threads=self.threads))
        network = self.model.network
        if candidate.precision == "bf16":
            network = _in_bf16(network)
        return TorchEngine(network, device=torch.device("cpu"))

    def stored(self, key: str) -> EngineReport | None:
        """The report of an earlier start."""
        content = self.shelf.get(key)
        if content is None:
            return None
        try:
            return replace(msgspec.json.decode(content, type=EngineReport), cached=True, seconds=0.0)
        except msgspec.MsgspecError:  # of another version of the worker
            return None

    def report_key(self, possible: Sequence[Candidate]) -> str:
        """Changes with the model, the machine, the versions, the threads and the choice."""
        names = [candidate.name for candidate in possible]
        return f"choice-{self._key(self.cpu.name, torch.get_num_threads(), names, calibration.calibration_texts())}"

    def _graph(self, candidate: Candidate) -> bytes:
        largest = _EIGHT_BITS if self.cpu.sums_bytes_exactly else _SEVEN_BITS
        key = f"graph-{candidate.precision}-{self._key(candidate.precision, largest)}"
        with self.shelf.alone(key):
            graph = self.shelf.get(key)
            if graph is None:
                precision: Any = candidate.precision
                graph = export_graph(self.model.network, precision=precision, largest_weight=largest)
                self.shelf.put(key, graph)
        return graph

    def _key(self, *more: object) -> str:
        self._weights = self._weights or _weights_sha256(self.model.network)
        versions = {name: _version(name) for name in ("torch", "transformers", "onnxruntime")}
        identity = json.dumps([FORMAT, self._weights, self.model.identity, versions, *more], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _calibrate(workshop: _Workshop, possible: Sequence[Candidate], key: str) -> EngineReport:
    """Run every candidate over the calibration texts, then the winner at several budgets."""
    began = time.perf_counter()
    model, texts = workshop.model, calibration.calibration_texts()
    reference = None
    trials: list[Trial] = []
    runners: dict[str, TransformerPredictor] = {}
    for candidate in dict.fromkeys([REFERENCE, *possible]):
        try:
            runner = _predictor(model, workshop.engine(candidate), _told(candidate, calibration.FIRST_BUDGET))
            runner.predict(texts[:8])  # the first call pays for what later ones find ready
            started = time.perf_counter()
            answers = runner.predict(texts)
            seconds = time.perf_counter() - started
        except PredictorError as error:
            if candidate is REFERENCE:
                raise
            log.warning("an engine does not run this model", engine=candidate.name, why=str(error))
            trials.append(Trial(candidate.name, fault=str(error)))
            continue
        reference = reference or answers
        if candidate in possible:
            multi_label = model.card.multi_label
            trials.append(
                calibration.compare(candidate.name, answers, reference, seconds=seconds, multi_label=multi_label)
            )
            runners[candidate.name] = runner
    trials = _run_again(trials, runners, texts)
    if not runners:
        raise ConfigurationError(f"model.engine, model.precision: {trials[0].name} cannot run: {trials[0].fault}")
    winner, why = calibration.choose(trials)
    if not winner.agrees:
        log.warning("the engine that was asked for differs from fp32", **msgspec.to_builtins(winner))
    chosen = next(candidate for candidate in possible if candidate.name == winner.name)
    rates = [(budget, _rate(runners[winner.name], texts, budget)) for budget in calibration.BUDGETS]
    report = replace(_told(chosen, calibration.choose_budget(rates)), why=why, trials=tuple(trials))
    workshop.shelf.put(key, msgspec.json.encode(report))
    return replace(report, seconds=round(time.perf_counter() - began, 2))


def _run_again(trials: Sequence[Trial], runners: dict[str, TransformerPredictor], texts: Sequence[str]) -> list[Trial]:
    """The better of two runs for whatever may still win: a busy machine disturbs one run or another."""
    best = max((trial.messages_per_second for trial in trials if trial.agrees), default=0.0)
    again = []
    for trial in trials:
        rate = trial.messages_per_second
        if len(runners) > 1 and trial.agrees and rate >= HOPELESS * best:
            rate = max(rate, round(_rate(runners[trial.name], texts, calibration.FIRST_BUDGET), 1))
        again.append(replace(trial, messages_per_second=rate))
    return again


def _rate(runner: TransformerPredictor, texts: Sequence[str], budget: int) -> float:
    runner.max_batch_tokens = budget
    started = time.perf_counter()
    runner.predict(texts)
    return len(texts) / (time.perf_counter() - started)


def _told(candidate: Candidate, budget: int) -> EngineReport:
    return EngineReport(candidate.engine, candidate.precision, "as set", budget, torch.get_num_threads())


def _predictor(model: Model, engine: Engine, report: EngineReport) -> TransformerPredictor:
    return TransformerPredictor(
        model.card,
        tokenizer=model.tokenizer,
        engine=engine,
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
