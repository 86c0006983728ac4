"""The composition root: the only place that builds a worker from its settings."""

import gc
import os
import platform
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from random import Random
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from threadpoolctl import threadpool_limits

from textsieve.worker import logs
from textsieve.worker.batch_limit import AdaptiveBatchLimit
from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.clustering.centroids import CentroidStore
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.pending import row_bytes
from textsieve.worker.clustering.space import ClusterSpace, space_of
from textsieve.worker.connectors import redis as store
from textsieve.worker.connectors.http import USUAL_PORTS, Probes, serve
from textsieve.worker.connectors.kafka import (
    KafkaSink,
    KafkaSource,
    ProducerFactory,
    Stamp,
    Timestamps,
    Topics,
    TransactionalSink,
    prepare_topics,
)
from textsieve.worker.counting.guarded import GuardedCounters
from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.health import Health
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.model_folder.label_map import too_many_labels
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import Metered, ModelCard, Predictor, TimeLimited
from textsieve.worker.loop import LoopSettings, StreamLoop
from textsieve.worker.loop_events import LoopEvents
from textsieve.worker.meters import MeteredStore, PredictorMeter
from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.metrics.gpu import GpuCollector
from textsieve.worker.pipeline import Pipeline, build_pipeline, redactor_of
from textsieve.worker.records import REASONS
from textsieve.worker.settings import Settings
from textsieve.worker.shared_state import Counting, SharedState
from textsieve.worker.stages.stage import Stage
from textsieve.worker.streams import Sink, Source

GC_ALLOCATIONS = 50_000  # containers between two looks of the collector: some batches, a few MB at most
TRACES_SECONDS = 2.0  # to send the last spans, out of the shutdown deadline
LEAVE_SECONDS = 3.0  # to leave the group and to close the producer, out of the shutdown deadline


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found."""

    topics: dict[str, str]
    partitions: int
    model: str
    engine: EngineReport | None
    labels: tuple[str, ...]
    thresholds: dict[str, float]
    seeded: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What an embedding program, a test or a chaos run puts in place of the usual parts.

    Attributes:
        predictor: answers instead of the model that the settings name.
        stages: of the embedding program, behind all others but the last; see worker.stages.stage.
        source, sink, store: get the part that was built, return the one to use.
    """

    predictor: Predictor | None = None
    stages: Sequence[Stage] = ()
    source: Callable[[Source], Source] = lambda part: part
    sink: Callable[[Sink], Sink] = lambda part: part
    store: Callable[[CentroidStore], CentroidStore] = lambda part: part


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that serves.

    Attributes:
        improving: while this goes on a faster engine is looked for; tells the report of each change.
    """

    predictor: Predictor
    improving: Callable[[Callable[[EngineReport], None]], AbstractContextManager[None]] = lambda _: nullcontext()


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the loop reads from and writes to."""

    source: Source
    sink: Sink


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
        stop = resources.enter_context(_stopping_on_signals(settings.delivery.shutdown_seconds, log))
        port = resources.enter_context(serve(settings.http, probes))
        if settings.http.port is None and port != USUAL_PORTS[0]:
            log.info("another process has the usual port: metrics and probes are on the next", port=port)
        topics = prepare_topics(settings.kafka, settings.output, settings.delivery)
        for finding in topics.findings:
            say = log.info if finding.is_notice else log.warning
            say(finding.text, risk=finding.risk, cure=finding.cure)
        log.info("loading the model", model=settings.model.path)
        model = Loaded(overrides.predictor) if overrides.predictor else _load(settings)
        predictor = model.predictor
        _require_room(settings, predictor)
        metrics = _metrics(registry, settings, predictor)
        if isinstance(predictor, TimeLimited):
            predictor.max_seconds = settings.delivery.max_iteration_seconds
        if isinstance(predictor, Metered):
            predictor.meter = PredictorMeter(metrics, health, time.monotonic)
        if overrides.predictor is None:  # one of ours, which may run on a GPU
            _watch_gpu(registry)
        clusters = _clusters(settings, predictor, overrides, metrics, stop)
        _look_at_store(settings, log)
        publish_seconds = settings.kafka.session_ms / 1000 * settings.delivery.publish_session_fraction
        reread = settings.clusters.max_pending_bytes // row_bytes(predictor.card.dim)
        pipeline = build_pipeline(
            settings,
            predictor=predictor,
            assign=clusters.assign,
            now_ms=_now_ms,
            campaigns=_campaigns(settings),
            more=overrides.stages,
        )
        endpoints = _endpoints(settings, topics, name, resources, publish_seconds=publish_seconds, max_reread=reread)
        endpoints = Endpoints(overrides.source(endpoints.source), overrides.sink(endpoints.sink))
        endpoints = _traced(settings, endpoints, name, resources)
        loop = StreamLoop(
            source=endpoints.source,
            sink=endpoints.sink,
            pipeline=pipeline,
            state=SharedState(clusters, _counting(settings, pipeline)),
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
        resources.enter_context(model.improving(partial(_tell_engine, metrics, card)))
        log.info("worker started", port=port, model=card.name, thresholds=dict(card.thresholds), version=_version())
        _spare_the_collector()
        # scikit-learn takes longer to import than all else: it is at hand when there is something to cluster
        threading.Thread(target=import_module, args=("sklearn.cluster",), name="imports", daemon=True).start()
        loop.run(stop.is_set)
        log.info("worker stopped")


def _look_at_store(settings: Settings, log: structlog.stdlib.BoundLogger) -> None:
    """Say what is wrong with the store; texts are labelled without it too."""
    try:
        policy = store.check_memory_policy(store.connect(settings.redis))
    except StoreUnavailable as error:
        log.warning("store away at the start: texts get no cluster until it answers", error=str(error))
        return
    if policy:
        log.warning("the store may evict the centroids: set maxmemory-policy noeviction", policy=policy)


def check(settings: Settings) -> Report:
    """Reach every service and load the model, as `run` would, then let go.

    Raises:
        TextsieveError: the first thing that would keep a worker from running.
    """
    warnings: list[str] = []
    _require_otel(settings)
    redactor_of(settings)  # its regions are regions, and its keys can be read
    topics = prepare_topics(settings.kafka, settings.output, settings.delivery)
    warnings.extend(map(str, topics.findings))
    predictor = _load_model(settings)
    _require_room(settings, predictor)
    client = store.connect(settings.redis)
    policy = store.check_memory_policy(client)
    if policy:
        warnings.append(f"the store may evict the centroids (maxmemory-policy {policy}): set noeviction")
    snapshot = store.RedisCentroidStore(client, settings.clusters.space, _space(settings, predictor)).load()
    with serve(settings.http, Probes(Health(), CollectorRegistry(), 1.0, time.monotonic, logs.get_logger("check"))):
        pass  # the port is free
    card = predictor.card
    return Report(
        topics=dict(topics.ids),
        partitions=topics.partitions,
        model=f"{card.name} {card.version}",
        engine=predictor.report,
        labels=card.labels,
        thresholds=dict(card.thresholds),
        seeded=snapshot is not None,
        warnings=tuple(warnings),
    )


def reset_clusters(settings: Settings) -> None:
    """Empty the cluster space on purpose.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    client = store.connect(settings.redis)
    nobody = ClusterSpace("", settings.kafka.group_id, settings.clusters.k, settings.clusters.seed_size, 1.0)
    store.RedisCentroidStore(client, settings.clusters.space, nobody).reset()


def _endpoints(
    settings: Settings, topics: Topics, name: str, resources: ExitStack, *, publish_seconds: float, max_reread: int
) -> Endpoints:
    """The member of the group, and the sink of the guarantee in force."""
    source = KafkaSource(
        settings.kafka,
        topics.partitions,
        topics.ids,
        settings.delivery.max_batch_records,
        logs.get_logger("kafka"),
        commits=not settings.is_transactional,
        max_reread=max_reread,
    )
    resources.callback(source.close, timeout_seconds=LEAVE_SECONDS)
    producers = ProducerFactory(settings.kafka, settings.output, publish_seconds)
    stamp = Stamp(name, _version(), topics.ids, lambda: source.generation, Timestamps(topics.bounds))
    sink: KafkaSink | TransactionalSink
    if settings.is_transactional:
        own_id = f"{settings.kafka.group_id}-{name}-{uuid4().hex[:8]}"
        sink = TransactionalSink(producers, stamp, own_id, lambda: source.membership, source.working)
    else:
        sink = KafkaSink(producers, stamp, settings.delivery.max_batch_records, source.working)
    resources.callback(sink.close, timeout_seconds=LEAVE_SECONDS)
    return Endpoints(source, sink)


def _load(settings: Settings) -> Loaded:
    """The model, behind the cache that the settings ask for, over an engine that serves at once."""
    from textsieve.worker.inference.background_search.thread import background_search  # noqa: PLC0415  # not for those who bring a predictor
    from textsieve.worker.inference.loading import open_model  # noqa: PLC0415  # as above

    opened = open_model(settings.model)
    _limit_threads(settings)
    kept = settings.model.cache_messages
    predictor = CachingPredictor(opened.predictor, messages=kept) if kept else opened.predictor
    return Loaded(predictor, lambda changed: background_search(opened, changed=changed))


def _load_model(settings: Settings) -> TransformerPredictor:
    """The model over its fastest engine, however long finding it takes."""
    from textsieve.worker.inference.loading import load_predictor  # noqa: PLC0415  # as in _load

    predictor = load_predictor(settings.model)
    _limit_threads(settings)
    return predictor


def _prepare_clustering(settings: Settings) -> None:
    """Import scikit-learn in the thread that will use it, and keep its pool of threads to what the settings allow."""
    import_module("sklearn.cluster")
    _limit_threads(settings)


def _limit_threads(settings: Settings) -> None:
    if settings.model.threads is not None:
        threadpool_limits(settings.model.threads)  # scikit-learn's and BLAS's pools too, or workers fight over cores


def _require_room(settings: Settings, predictor: Predictor) -> None:
    """Refuse a model of whose labels no result could be published."""
    if fault := too_many_labels(predictor.card.labels, max_message_bytes=settings.output.max_message_bytes):
        raise ConfigurationError(f"{predictor.card.name}: {fault}")


def _space(settings: Settings, predictor: Predictor) -> ClusterSpace:
    return space_of(settings.clusters, model=predictor.card.fingerprint, group=settings.kafka.group_id)


def _clusters(
    settings: Settings, predictor: Predictor, overrides: Overrides, metrics: Metrics, stop: threading.Event
) -> OnlineClusters:
    space = _space(settings, predictor)
    shared = store.RedisCentroidStore(store.connect(settings.redis), settings.clusters.space, space)
    timed = MeteredStore(overrides.store(shared), metrics, time.monotonic)
    clusters = OnlineClusters(
        timed, space, Random(), stop.wait, settings.clusters.max_pending_bytes, partial(_prepare_clustering, settings)
    )
    clusters.watermarks()  # another model or group in this space is refused before anything is consumed
    return clusters


def _campaigns(settings: Settings) -> CampaignDetector | None:
    if not settings.campaigns.enabled:
        return None
    leaders = store.RedisLeaderStore(store.connect(settings.redis), settings.clusters.space)
    return CampaignDetector(leaders, now_ms=_now_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _counting(settings: Settings, pipeline: Pipeline) -> Counting | None:
    if not pipeline.counts:
        return None
    shared = store.RedisCounterStore(store.connect(settings.redis), settings.clusters.space)
    return Counting(GuardedCounters(shared), pipeline.counts)


def _metrics(registry: ConsistentRegistry, settings: Settings, predictor: Predictor) -> Metrics:
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
    metrics.build.info({"version": _version(), "python": platform.python_version(), "torch": _version("torch")})
    for collect in (ProcessCollector, PlatformCollector, GCCollector):
        collect(registry=registry)
    return metrics


def _tell_model(metrics: Metrics, card: ModelCard, *, engine: str) -> None:
    metrics.model.info({
        "name": card.name, "version": card.version, "max_tokens": str(card.max_tokens), "engine": engine
    })  # fmt: skip


def _tell_engine(metrics: Metrics, card: ModelCard, report: EngineReport) -> None:
    _tell_model(metrics, card, engine=report.candidate.name)


def _require_otel(settings: Settings) -> None:
    if settings.traces.endpoint is None:
        return
    try:
        import_module("textsieve.worker.connectors.traces")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"traces.endpoint is set, and {error.name} is not installed: pip install 'textsieve[worker,otel]'"
        ) from error


def _traced(settings: Settings, endpoints: Endpoints, name: str, resources: ExitStack) -> Endpoints:
    """The same endpoints, or ones that are watched where `traces.endpoint` says so."""
    if settings.traces.endpoint is None:
        return endpoints
    _require_otel(settings)
    from textsieve.worker.connectors import traces  # noqa: PLC0415  # of an optional extra

    log = logs.get_logger("traces")
    opened = traces.open_traces(
        settings.traces, group=settings.kafka.group_id, worker=name, version=_version(), log=log
    )
    resources.callback(opened.close, timeout_seconds=TRACES_SECONDS)
    return Endpoints(
        traces.TracedSource(endpoints.source, opened.spans), traces.TracedSink(endpoints.sink, opened.spans)
    )


def _watch_gpu(registry: ConsistentRegistry) -> None:
    from textsieve.worker.inference.gpu_info import gpu_reader  # noqa: PLC0415  # as in _load

    read = gpu_reader()
    if read is not None:
        registry.register(GpuCollector(read))


def _spare_the_collector() -> None:
    """What is loaded by now stays: the collector need not look at it again and again, nor at every few messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)


def _version(package: str = "textsieve") -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "uninstalled"


@contextmanager
def _stopping_on_signals(deadline_seconds: float, log: structlog.stdlib.BoundLogger) -> Iterator[threading.Event]:
    """SIGTERM and SIGINT ask for a graceful stop; a second one, or the deadline, ends the process at once."""
    stop = threading.Event()

    def ask(signum: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, deadline_seconds)
        log.info("stopping", signal=signal.Signals(signum).name, deadline_seconds=deadline_seconds)

    def give_up(_signum: int, _frame: object) -> None:
        log.error("not stopped within delivery.shutdown_seconds: ending at once; the next owner repeats the rest")
        os._exit(1)

    handlers = {signal.SIGTERM: ask, signal.SIGINT: ask, signal.SIGALRM: give_up}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
