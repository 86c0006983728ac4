"""The metrics of a worker, and what it says of its model, its process and its GPU."""

import platform

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector

from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.predictor import ModelCard, Predictor
from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.metrics.gpu import GpuCollector
from textsieve.worker.records import REASONS
from textsieve.worker.settings import Settings
from textsieve.worker.wiring.process import package_version


def build_metrics(registry: ConsistentRegistry, settings: Settings, predictor: Predictor) -> Metrics:
    """All metrics of a worker, with what is known at its start."""
    card = predictor.card
    metrics = Metrics(
        registry=registry,
        labels=card.labels,
        reasons=REASONS,
        inputs=settings.kafka.input_topics,
        outputs=(settings.kafka.output_topic, settings.kafka.dead_letter_topic),
        k=settings.clusters.k,
    )
    _tell_model(metrics, card, engine=card.engine)
    metrics.build.info(
        {"version": package_version(), "python": platform.python_version(), "torch": package_version("torch")}
    )
    for collect in (ProcessCollector, PlatformCollector, GCCollector):
        collect(registry=registry)
    return metrics


def _tell_model(metrics: Metrics, card: ModelCard, *, engine: str) -> None:
    metrics.model.info({
        "name": card.name, "version": card.version, "max_tokens": str(card.max_tokens), "engine": engine
    })  # fmt: skip


def tell_engine(metrics: Metrics, card: ModelCard, report: EngineReport) -> None:
    """Say which engine serves from now on."""
    _tell_model(metrics, card, engine=report.candidate.name)


def watch_gpu(registry: ConsistentRegistry) -> None:
    """Add the GPU's metrics, where there is one."""
    from textsieve.worker.inference.gpu_info import gpu_reader  # noqa: PLC0415  # as in _load

    read = gpu_reader()
    if read is not None:
        registry.register(GpuCollector(read))
