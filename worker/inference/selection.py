"""From a network and the settings to the engine that runs it, calibrated where there is a choice."""

import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import util

import msgspec
import torch

from worker import logs
from worker.errors import ConfigurationError
from worker.inference.calibration import FIRST_BUDGET, REFERENCE, Candidate, EngineReport, calibration_texts
from worker.inference.engines.torch import TorchEngine, choose_device, choose_dtype, precision_of
from worker.inference.machine import Cpu, this_cpu
from worker.inference.shelf import Shelf
from worker.inference.transformer import TransformerPredictor
from worker.inference.trials import Trials, calibrate
from worker.inference.workshop import Model, Workshop, predictor_over
from worker.settings import ModelSettings

log = logs.get_logger("model")

CUDA_BATCH_TOKENS = 16_384  # on an H200 84 % of the best rate, an eighth of its memory: docs/gpu.md


def select_predictor(model: Model, settings: ModelSettings) -> TransformerPredictor:
    """The predictor over the engine that the settings ask for, or that a calibration finds.

    Raises:
        ConfigurationError: what the settings ask for cannot run here.
        DeviceOutOfMemory: the device cannot hold the weights.
        PredictorError: the model does not answer.
    """
    device = choose_device(settings.device)
    if device.type == "cuda":
        return _on_cuda(model, settings, device)
    cpu = this_cpu()
    possible = candidates(settings, cpu=cpu, onnx_installed=util.find_spec("onnxruntime") is not None)
    workshop = Workshop(model, Shelf(settings.cache_folder), cpu, settings.threads)
    if len(possible) == 1 and settings.max_batch_tokens:
        return workshop.predictor(possible[0], max_batch_tokens=settings.max_batch_tokens)
    key = workshop.report_key(possible)
    with workshop.shelf.alone(key):  # who comes second finds what the first has made
        report = workshop.stored(key)
        if report is None:
            report = calibrate(trials_of(workshop, possible))
            workshop.shelf.put(key, msgspec.json.encode(report))
    engine = workshop.engine(Candidate(report.engine, report.precision))
    report = replace(report, max_batch_tokens=settings.max_batch_tokens or report.max_batch_tokens)
    log.info("engine chosen", **msgspec.to_builtins(report))
    return predictor_over(engine, model, report)


def trials_of(workshop: Workshop, possible: Sequence[Candidate]) -> Trials:
    """The trials of a model's candidates: all at once by `calibrate`, or step by step."""
    return Trials(
        possible,
        lambda candidate: workshop.predictor(candidate, max_batch_tokens=FIRST_BUDGET),
        texts=calibration_texts(),
        card=workshop.model.card,
        threads=torch.get_num_threads(),
        clock=time.perf_counter,
    )


def candidates(settings: ModelSettings, *, cpu: Cpu, onnx_installed: bool) -> list[Candidate]:
    """The ways to run on this CPU that the settings allow; float32 first, then the likely winners.

    Raises:
        ConfigurationError: there is none.
    """
    ways = [REFERENCE, Candidate("onnx", "int8"), Candidate("torch", "bf16"), Candidate("onnx", "fp32")]
    allowed = [
        way
        for way in ways
        if settings.engine in ("auto", way.engine)
        and settings.precision in ("auto", way.precision)
        and (onnx_installed or way.engine != "onnx")
        and (cpu.native_bf16 or way.precision != "bf16" or settings.precision == "bf16")
    ]
    if not allowed:
        remedy = "fp16 needs CUDA" if settings.precision == "fp16" else "run `pip install onnxruntime onnx`"
        raise ConfigurationError(
            f"model.engine {settings.engine}, model.precision {settings.precision}: nothing on this machine runs so; "
            f"{remedy}, or set both to auto"
        )
    return allowed


def _on_cuda(model: Model, settings: ModelSettings, device: torch.device) -> TransformerPredictor:
    if settings.engine == "onnx":
        raise ConfigurationError(
            "model.engine: onnx runs on CPUs, came a CUDA device; set model.device to cpu, or model.engine to auto"
        )
    precision = precision_of(choose_dtype(settings.precision, device=device))
    budget = settings.max_batch_tokens or CUDA_BATCH_TOKENS
    report = EngineReport("torch", precision, "CUDA", budget, torch.get_num_threads())
    return predictor_over(TorchEngine(model.network, device=device, max_tokens=model.card.max_tokens), model, report)
