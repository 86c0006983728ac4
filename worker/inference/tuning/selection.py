"""From a model and the settings to the engine that runs it, calibrated where there is a choice."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import util

import msgspec

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.engine_builder import EngineBuilder
from textsieve.worker.inference.building.model import Model, predictor_over, require_torch
from textsieve.worker.inference.cpu_info import this_cpu
from textsieve.worker.inference.engines.report import (
    DEFAULT_BATCH_TOKENS,
    ONNX_FP32,
    REFERENCE,
    Candidate,
    EngineReport,
)
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.tuning.autotune import Autotuner, autotune
from textsieve.worker.inference.tuning.candidates import allowed_candidates, device_of
from textsieve.worker.inference.tuning.default_engine import default_predictor, warn_of_difference
from textsieve.worker.settings import ModelSettings

log = logs.get_logger("model")


@dataclass(frozen=True, slots=True)
class EngineSearch:
    """Which engine: what there is to choose from, and under which name the answer is kept.

    Attributes:
        reference: what candidates are compared with.
    """

    builder: EngineBuilder
    settings: ModelSettings
    possible: tuple[Candidate, ...]
    reference: Candidate
    key: str

    def answer(self) -> EngineReport | None:
        """What an earlier start, or another process, has found."""
        return self.builder.stored(self.key, allowed=self.possible)

    def keep(self, report: EngineReport) -> None:
        """Let other starts, and other processes, find it."""
        self.builder.artifacts.put(self.key, msgspec.json.encode(report))

    def predictor(self, report: EngineReport) -> TransformerPredictor:
        """The predictor over the engine of a report, within the settings."""
        return self.serve(predictor_over(self.builder.engine(report.candidate), self.builder.model, report))

    def serve(self, predictor: TransformerPredictor) -> TransformerPredictor:
        """The predictor with its report within the settings, which is logged."""
        if predictor.report is None:
            raise TypeError("expected a predictor whose engine was chosen, got one without a report")
        report = replace(within_settings(predictor.report, self.settings), threads=self.builder.cores)
        predictor.report, predictor.max_batch_tokens = report, report.max_batch_tokens
        log.info("engine chosen", **msgspec.to_builtins(report))
        return predictor


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A predictor that serves, and what is still to be found out about its engine; None where nothing is."""

    predictor: TransformerPredictor
    search: EngineSearch | None = None


def within_settings(report: EngineReport, settings: ModelSettings) -> EngineReport:
    """The report with the budget in force: what the settings ask for goes before what was found."""
    return replace(report, max_batch_tokens=settings.max_batch_tokens or report.max_batch_tokens)


def select_predictor(model: Model, settings: ModelSettings) -> TransformerPredictor:
    """The predictor over the engine that the settings ask for, or that a calibration finds, here and now.

    Raises:
        ConfigurationError: what the settings ask for cannot run here.
        DeviceOutOfMemory: the device cannot hold the weights.
        PredictorError: the model does not answer.
    """
    search = prepare_search(model, settings)
    return search.predictor(run_search(search)) if isinstance(search, EngineSearch) else search


def open_predictor(model: Model, settings: ModelSettings) -> OpenedModel:
    """A predictor at once: over the engine that the settings ask for, that was found before, or that is safe.

    Raises:
        ConfigurationError: as `select_predictor`, as the others.
    """
    search = prepare_search(model, settings)
    if not isinstance(search, EngineSearch):
        return OpenedModel(search)
    known = search.answer()
    if known and known.settled:
        return OpenedModel(search.predictor(known))
    if known:
        return OpenedModel(search.predictor(known), search)
    return OpenedModel(search.serve(default_predictor(search.builder, search.possible, search.reference)), search)


def prepare_search(model: Model, settings: ModelSettings) -> EngineSearch | TransformerPredictor:
    """The search for the engine to run; the predictor, where there is nothing to choose.

    Raises:
        ConfigurationError: as `select_predictor`, as the others.
    """
    if device_of(settings) == "cuda":
        return _on_cuda(model, settings)
    builder = EngineBuilder(model, ArtifactCache(settings.cache_folder), this_cpu(), settings.threads)
    has_torch = util.find_spec("torch") is not None
    proven = builder.is_proven()
    possible = allowed_candidates(
        settings,
        cpu=builder.cpu,
        onnx_installed=util.find_spec("onnxruntime") is not None,
        torch_installed=has_torch,
        proven=proven,
    )
    reference = REFERENCE if has_torch and not proven else ONNX_FP32
    if len(possible) == 1 and settings.max_batch_tokens:
        made = builder.predictor(possible[0], max_batch_tokens=settings.max_batch_tokens)
        if possible[0] not in (REFERENCE, reference):
            warn_of_difference(builder, possible[0], reference)
        return made
    return EngineSearch(builder, settings, tuple(possible), reference, builder.report_key(possible))


def run_search(search: EngineSearch) -> EngineReport:
    """Try the candidates now, while no other process does, and keep what was found.

    Raises:
        ConfigurationError: none of the candidates runs.
        PredictorError: the reference does not run.
    """
    artifacts = search.builder.artifacts
    with artifacts.lock(search.key):  # who comes second finds what the first has made
        known = search.answer()
        if known and known.settled:
            return known
        report = autotune(autotuner_of(search, clock=time.perf_counter))
        search.keep(report)
    return report


def autotuner_of(search: EngineSearch, *, clock: Callable[[], float]) -> Autotuner:
    """The autotuner of a search: all at once by `autotune`, or step by step."""
    builder = search.builder
    return Autotuner(
        search.possible,
        lambda candidate: builder.predictor(candidate, max_batch_tokens=DEFAULT_BATCH_TOKENS),
        texts=calibration_texts(builder.model.tokenizer.tokenize),
        card=builder.model.card,
        threads=builder.cores,
        clock=clock,
        reference=search.reference,
    )


def reference_predictor(model: Model, settings: ModelSettings) -> TransformerPredictor:
    """A predictor in float32, on the device: nothing is calibrated.

    Raises:
        ConfigurationError: the folder is broken, or what it needs is not installed.
        DeviceOutOfMemory: the device cannot hold the weights.
    """
    if device_of(settings) == "cuda":
        return _on_cuda(model, settings)
    builder = EngineBuilder(model, ArtifactCache(settings.cache_folder), this_cpu(), settings.threads)
    by_torch = settings.engine == "torch" or not builder.has_graph(ONNX_FP32)
    return builder.predictor(
        REFERENCE if by_torch else ONNX_FP32, max_batch_tokens=settings.max_batch_tokens or DEFAULT_BATCH_TOKENS
    )


def _on_cuda(model: Model, settings: ModelSettings) -> TransformerPredictor:
    require_torch(model.files.folder)
    if settings.engine == "onnx":
        raise ConfigurationError(
            "model.engine: onnx runs on CPUs, got a CUDA device; set model.device to cpu, or model.engine to auto"
        )
    from textsieve.worker.inference.building.torch_builder import cuda_predictor  # noqa: PLC0415  # imports torch: seconds

    return cuda_predictor(model, settings)
