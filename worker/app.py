"""The composition root: the only place that builds a worker from its settings."""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from random import Random

import structlog

from textsieve.worker import logs
from textsieve.worker.batch_limit import AdaptiveBatchLimit
from textsieve.worker.clustering.centroids import CentroidStore
from textsieve.worker.clustering.pending import row_bytes
from textsieve.worker.connectors.http import USUAL_PORTS, Probes, serve
from textsieve.worker.connectors.kafka import prepare_topics
from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.health import Health
from textsieve.worker.inference.predictor import Metered, Predictor, TimeLimited
from textsieve.worker.loop import LoopSettings, StreamLoop
from textsieve.worker.loop_events import LoopEvents
from textsieve.worker.meters import PredictorMeter
from textsieve.worker.metrics import ConsistentRegistry
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.settings import Settings
from textsieve.worker.shared_state import SharedState
from textsieve.worker.stages.stage import Stage
from textsieve.worker.streams import Sink, Source
from textsieve.worker.wiring.alarms import find_campaign, telling_alarms
from textsieve.worker.wiring.endpoints import Endpoints, kafka_endpoints, traced_endpoints
from textsieve.worker.wiring.model import LoadedModel, load_serving, require_room
from textsieve.worker.wiring.process import freeze_garbage, now_ms, package_version, stopping_on_signals
from textsieve.worker.wiring.redaction import require_redaction
from textsieve.worker.wiring.store import open_clusters, open_counting, warn_of_store
from textsieve.worker.wiring.telemetry import build_metrics, tell_engine, watch_gpu


@dataclass(frozen=True, slots=True)
class Overrides:
    """What an embedding program, a test or a chaos run puts in place of the usual parts.

    Attributes:
        predictor: answers instead of the model that the settings name.
        stages: of the embedding program, behind all others but Redact and Encode; see worker.stages.stage. What they
            add to results is not redacted.
        source, sink, store: get the part that was built, return the one to use.
    """

    predictor: Predictor | None = None
    stages: Sequence[Stage] = ()
    source: Callable[[Source], Source] = lambda part: part
    sink: Callable[[Sink], Sink] = lambda part: part
    store: Callable[[CentroidStore], CentroidStore] = lambda part: part


def run(settings: Settings, *, overrides: Overrides = Overrides()) -> None:  # frozen: safe to share
    """Run one worker until it is asked to stop.

    Args:
        settings: all options.
        overrides: what stands in for the usual parts.

    Raises:
        TextsieveError: see worker.errors for what it means and which exit code it deserves.
    """
    logs.configure(level=settings.logs.level, style=settings.logs.format)
    name = f"{socket.gethostname()}-{os.getpid()}"
    structlog.contextvars.bind_contextvars(worker=name)
    log = logs.get_logger("worker")
    health = Health()
    registry = ConsistentRegistry()
    probes = Probes(health, registry, settings.http.stuck_after_seconds, time.monotonic, log)
    with ExitStack() as resources:
        stop = resources.enter_context(stopping_on_signals(settings.delivery.shutdown_seconds, log))
        port = resources.enter_context(serve(settings.http, probes))
        if settings.http.port is None and port != USUAL_PORTS[0]:
            log.info("another process has the usual port: metrics and probes are on the next", port=port)
        for warning in require_redaction(settings):
            log.warning(warning)
        topics = prepare_topics(settings.kafka, settings.output, settings.delivery)
        for finding in topics.findings:
            say = log.info if finding.is_notice else log.warning
            say(finding.text, risk=finding.risk, cure=finding.cure)
        log.info("loading the model", model=settings.model.path)
        model = LoadedModel(overrides.predictor) if overrides.predictor else load_serving(settings)
        predictor = model.predictor
        require_room(settings, predictor)
        metrics = build_metrics(registry, settings, predictor)
        if isinstance(predictor, TimeLimited):
            predictor.max_seconds = settings.delivery.max_iteration_seconds
        if isinstance(predictor, Metered):
            predictor.meter = PredictorMeter(metrics, health, time.monotonic)
        if overrides.predictor is None:  # one of ours, which may run on a GPU
            watch_gpu(registry)
        clusters = open_clusters(settings, predictor, overrides.store, metrics, stop)
        warn_of_store(settings, log)
        publish_seconds = settings.kafka.session_ms / 1000 * settings.delivery.publish_session_fraction
        reread = settings.clusters.max_pending_bytes // row_bytes(predictor.card.dim)
        campaigns = find_campaign(settings)
        pipeline = build_pipeline(
            settings,
            predictor=predictor,
            assign=clusters.assign,
            now_ms=now_ms,
            campaigns=campaigns,
            more=overrides.stages,
        )
        endpoints = kafka_endpoints(
            settings, topics, name, resources, publish_seconds=publish_seconds, max_reread=reread
        )
        endpoints = Endpoints(overrides.source(endpoints.source), overrides.sink(endpoints.sink))
        endpoints = traced_endpoints(settings, endpoints, name, resources)
        loop = StreamLoop(
            source=endpoints.source,
            sink=endpoints.sink,
            pipeline=pipeline,
            state=SharedState(clusters, open_counting(settings, pipeline)),
            settings=LoopSettings(
                poll_timeout_seconds=settings.delivery.poll_timeout_seconds,
                checkpoint_seconds=settings.delivery.checkpoint_seconds,
                publish_seconds=publish_seconds,
                service_retry_seconds=settings.delivery.service_retry_seconds,
            ),
            batch_limit=AdaptiveBatchLimit(
                settings.delivery.max_batch_records, settings.delivery.max_iteration_seconds
            ),
            dead_letter_limit=DeadLetterLimit(
                settings.dead_letters.max_ratio, settings.dead_letters.window, settings.dead_letters.max_consecutive
            ),
            events=LoopEvents(metrics, health, log, time.time, settings.drift.window_messages),
            rng=Random(),
            clock=time.monotonic,
            wait=stop.wait,
        )
        card = predictor.card
        resources.enter_context(model.improving(partial(tell_engine, metrics, card)))
        resources.enter_context(telling_alarms(settings, campaigns, worker=name, log=logs.get_logger("alarms")))
        log.info(
            "worker started", port=port, model=card.name, thresholds=dict(card.thresholds), version=package_version()
        )
        freeze_garbage()
        # scikit-learn takes longer to import than all else: it is at hand when there is something to cluster
        threading.Thread(target=import_module, args=("sklearn.cluster",), name="imports", daemon=True).start()
        loop.run(stop.is_set)
        log.info("worker stopped")
