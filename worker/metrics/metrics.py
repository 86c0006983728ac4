"""The catalogue come alive: one object with every metric, and every label value created."""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

from textsieve.worker.metrics.catalogue import CATALOGUE
from textsieve.worker.metrics.definition import MAX_CLUSTERS, MAX_LABELS, OTHER
from textsieve.worker.metrics.histogram import BatchHistogram
from textsieve.worker.metrics.registry import ConsistentRegistry


class Metrics:
    """All metrics of one worker.

    Args:
        registry: where they live; one per worker, never the global one.
        labels: the model's.
        reasons: of dead letters.
        inputs: topics read.
        outputs: the topic of results, the topic of dead letters.
        k: clusters of the space.
    """

    def __init__(  # noqa: PLR0915  # one statement a metric
        self,
        *,
        registry: ConsistentRegistry,
        labels: Sequence[str],
        reasons: Sequence[str],
        inputs: Sequence[str] = (),
        outputs: tuple[str, str] = ("labels", "dead-letters"),
        k: int = 0,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped
        self.registry = registry
        self.lock = registry.lock
        self.outputs = outputs
        self.labels = tuple(labels)
        self.label_slots = frozenset(labels[:MAX_LABELS])
        slots = [str(slot) for slot in range(min(k, MAX_CLUSTERS))]

        self.consumed = self._counter("consumed_messages", inputs)
        self.consumed_bytes = self._counter("consumed_bytes", inputs)
        self.processed = self._counter("processed_messages")
        self.in_flight = self._gauge("in_flight_messages")
        self.produced = self._counter("produced_messages", outputs)
        self.produce_errors = self._counter("produce_errors")
        self.dead_letters = self._counter("dead_letter_messages", reasons)
        self.latency = self._batch_histogram("end_to_end_latency_seconds")
        self.clock_skew = self._counter("clock_skew_messages")
        self.retries = self._counter("retries")

        self.lag = self._gauge("consumer_lag_messages")
        self.lag_seconds = self._gauge("consumer_lag_seconds")
        self.assigned = self._gauge("assigned_partitions")
        self.aside = self._gauge("partition_set_aside")
        self.rebalances = self._counter("rebalances")
        self.commits = self._counter("commits")
        self.progress = self._gauge("last_progress_timestamp_seconds")

        self.stage = self._histogram("stage_duration_seconds")
        self.model_step = self._histogram("model_duration_seconds")
        self.busy = self._counter("busy_seconds")
        self.batch = self._histogram("batch_messages")
        self.flush = self._counter("batch_flush")
        self.input_tokens = self._batch_histogram("input_tokens")
        self.tokens = self._counter("tokens")
        self.truncated = self._counter("truncated_messages")
        self.obfuscated = self._counter("obfuscated_messages")
        self.cache_requests = self._counter("embedding_cache_requests")
        self.out_of_memory = self._counter("out_of_memory")

        self.predictions = self._counter(
            "predictions", [*labels[:MAX_LABELS], *([OTHER] if len(labels) > MAX_LABELS else [])]
        )
        self.confidence = self._batch_histogram("prediction_confidence_ratio")
        self.low_confidence = self._counter("low_confidence_messages")
        self.drift = self._gauge("drift_psi")
        self.drift_window = self._gauge("drift_window_messages")

        self.clusters = self._gauge("clusters")
        self.members = self._gauge("cluster_members", [*slots, *([OTHER] if k > MAX_CLUSTERS else [])])
        self.distance = self._batch_histogram("cluster_distance")
        self.inertia = self._gauge("cluster_inertia")
        self.shift = self._histogram("centroid_shift")
        self.sync = self._histogram("centroid_sync_duration_seconds")
        self.sync_errors = self._counter("centroid_sync_errors")
        self.conflicts = self._counter("centroid_sync_conflicts")
        self.store_losses = self._counter("centroid_losses")
        self.last_sync = self._gauge("centroid_last_sync_timestamp_seconds")
        self.version = self._gauge("centroid_version")
        self.learned = self._counter("learned_messages")
        self.unlearned = self._counter("unlearned_messages")
        self.store_up = self._gauge("store_up")
        self.pending = self._gauge("pending_bytes")

        self.model = self._info("model")
        self.build = self._info("build")

    def _counter(self, name: str, values: Sequence[str] = ()) -> Counter:
        metric = CATALOGUE[name]
        counter = Counter(metric.exported, metric.meaning, metric.label_names, registry=self.registry)
        for value in values or metric.values:
            counter.labels(value)
        return counter

    def _gauge(self, name: str, values: Sequence[str] = ()) -> Gauge:
        metric = CATALOGUE[name]
        gauge = Gauge(metric.exported, metric.meaning, metric.label_names, registry=self.registry)
        for value in values or metric.values:
            gauge.labels(value)
        return gauge

    def _histogram(self, name: str) -> Histogram:
        metric = CATALOGUE[name]
        histogram = Histogram(
            metric.exported, metric.meaning, metric.label_names, buckets=metric.buckets, registry=self.registry
        )
        for value in metric.values:
            histogram.labels(value)
        return histogram

    def _batch_histogram(self, name: str) -> BatchHistogram:
        metric = CATALOGUE[name]
        histogram = BatchHistogram(
            metric.exported,
            metric.meaning,
            buckets=metric.buckets,
            label=metric.label,
            values=metric.values or ("",),
        )
        self.registry.register(histogram)
        return histogram

    def _info(self, name: str) -> Info:
        metric = CATALOGUE[name]
        return Info(metric.exported.removesuffix("_info"), metric.meaning, registry=self.registry)
