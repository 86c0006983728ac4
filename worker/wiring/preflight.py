"""What would keep a worker from running, found without running one."""

import time
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from textsieve.worker import logs
from textsieve.worker.connectors import redis as store
from textsieve.worker.connectors.http import Probes, serve
from textsieve.worker.connectors.kafka import prepare_topics
from textsieve.worker.connectors.kafka.producer.alarms import check_alarm_topic
from textsieve.worker.health import Health
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.settings import Settings
from textsieve.worker.wiring.endpoints import require_otel
from textsieve.worker.wiring.model import load_fastest, require_room
from textsieve.worker.wiring.redaction import require_redaction
from textsieve.worker.wiring.store import cluster_space


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


def check(settings: Settings) -> Report:
    """Reach every service and load the model, as `run` would, then let go.

    Raises:
        TextsieveError: the first thing that would keep a worker from running.
    """
    warnings: list[str] = []
    require_otel(settings)
    warnings.extend(require_redaction(settings))
    topics = prepare_topics(settings.kafka, settings.output, settings.delivery)
    warnings.extend(map(str, topics.findings))
    if settings.campaigns.enabled:
        missing = check_alarm_topic(settings.kafka, create_topic=settings.delivery.create_topics)
        warnings.extend([missing] if missing else [])
    predictor = load_fastest(settings)
    require_room(settings, predictor)
    client = store.connect(settings.redis)
    policy = store.check_memory_policy(client)
    if policy:
        warnings.append(f"the store may evict the centroids (maxmemory-policy {policy}): set noeviction")
    snapshot = store.RedisCentroidStore(client, settings.clusters.space, cluster_space(settings, predictor)).load()
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
