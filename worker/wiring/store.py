"""What workers share in the store: centroids and counters."""

import threading
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from random import Random

import structlog

from textsieve.worker.clustering.centroids import CentroidStore
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace, space_of
from textsieve.worker.connectors import redis as store
from textsieve.worker.counting.guarded import GuardedCounters
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.meters import MeteredStore
from textsieve.worker.metrics import Metrics
from textsieve.worker.pipeline import Pipeline
from textsieve.worker.settings import Settings
from textsieve.worker.shared_state import Counting
from textsieve.worker.wiring.model import limit_threads


def warn_of_store(settings: Settings, log: structlog.stdlib.BoundLogger) -> None:
    """Say what is wrong with the store; texts are labelled without it too."""
    try:
        policy = store.check_memory_policy(store.connect(settings.redis))
    except StoreUnavailable as error:
        log.warning("store away at the start: texts get no cluster until it answers", error=str(error))
        return
    if policy:
        log.warning("the store may evict the centroids: set maxmemory-policy noeviction", policy=policy)


def cluster_space(settings: Settings, predictor: Predictor) -> ClusterSpace:
    """What all workers of the settings' space have to agree on."""
    return space_of(settings.clusters, model=predictor.card.fingerprint, group=settings.kafka.group_id)


def open_clusters(
    settings: Settings,
    predictor: Predictor,
    wrap: Callable[[CentroidStore], CentroidStore],
    metrics: Metrics,
    stop: threading.Event,
) -> OnlineClusters:
    """The worker's share in the clusters; `wrap` may put something between it and the store."""
    space = cluster_space(settings, predictor)
    shared = store.RedisCentroidStore(store.connect(settings.redis), settings.clusters.space, space)
    timed = MeteredStore(wrap(shared), metrics, time.monotonic)
    clusters = OnlineClusters(
        timed, space, Random(), stop.wait, settings.clusters.max_pending_bytes, partial(_prepare_clustering, settings)
    )
    clusters.watermarks()  # another model or group in this space is refused before anything is consumed
    return clusters


def _prepare_clustering(settings: Settings) -> None:
    """Import scikit-learn in the thread that will use it, and keep its pool of threads to what the settings allow."""
    import_module("sklearn.cluster")
    limit_threads(settings)


def open_counting(settings: Settings, pipeline: Pipeline) -> Counting | None:
    """The counters of the stages, or None where no stage counts."""
    if not pipeline.counts:
        return None
    shared = store.RedisCounterStore(store.connect(settings.redis), settings.clusters.space)
    return Counting(GuardedCounters(shared), pipeline.counts)


def reset_clusters(settings: Settings) -> None:
    """Empty the cluster space on purpose.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    client = store.connect(settings.redis)
    nobody = ClusterSpace("", settings.kafka.group_id, settings.clusters.k, settings.clusters.seed_size, 1.0)
    store.RedisCentroidStore(client, settings.clusters.space, nobody).reset()
