"""What the loop tells the outside: metrics for every event, health for the probes, one log line per change of state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from textsieve.worker.clustering.centroids import Snapshot
from textsieve.worker.errors import OwnershipLost, PublishFailed, ServiceError, StoreUnavailable
from textsieve.worker.health import Health
from textsieve.worker.metrics import Metrics
from textsieve.worker.metrics.centroid_metrics import CentroidMetrics
from textsieve.worker.metrics.clock import LoopClock
from textsieve.worker.metrics.partition_metrics import PartitionMetrics
from textsieve.worker.metrics.result_metrics import ResultMetrics
from textsieve.worker.outcome import Outcome
from textsieve.worker.records import Outgoing, Partition, Position
from textsieve.worker.shared_state import GivenUp, Pushed
from textsieve.worker.streams import Poll, Published
from textsieve.worker.waits import Wait

DRIFT_WINDOW = 2000  # messages; chance alone then moves an index of 17 bins by 0.016


@dataclass(slots=True)
class LoopEvents:
    """One method per event of the loop; none of them can fail the stream.

    An event that changes several metrics holds the registry still, so that no scrape sees half of it.

    Attributes:
        wall: Unix time in seconds.
        drift_window: messages of each of the two windows that drift compares.
    """

    metrics: Metrics
    health: Health
    log: structlog.stdlib.BoundLogger
    wall: Callable[[], float]
    drift_window: int = DRIFT_WINDOW
    _answers: ResultMetrics = field(init=False)
    _partitions: PartitionMetrics = field(init=False)
    _snapshots: CentroidMetrics = field(init=False)
    _clock: LoopClock = field(init=False)
    _joining: Wait = field(init=False)
    _broker: Wait = field(init=False)
    _gives_up: bool = False  # it was said, and the store has not been back since

    def __post_init__(self) -> None:
        metrics = self.metrics
        self._answers = ResultMetrics.of(metrics, labels=metrics.labels, drift_window=self.drift_window)
        self._partitions = PartitionMetrics(metrics)
        self._snapshots = CentroidMetrics(metrics)
        self._clock = LoopClock(metrics)
        self._joining = Wait(self.log, "waiting for a place in the consumer group", "in the consumer group again")
        self._broker = Wait(self.log, "broker away: waiting for it", "broker back", long_seconds=0.0)
        metrics.progress.set(self.wall())  # or a worker that has just started would look stuck
        metrics.last_sync.set(self.wall())
        metrics.store_up.set(1)

    def turned(self, now: float) -> None:
        """The loop begins a turn; `now` is its monotonic clock, in seconds."""
        self.health.last_turn = now
        self._clock.spent("work", now=now)

    def rested(self, now: float) -> None:
        """The loop has waited out a fault, since `turned`."""
        self._clock.spent("idle", now=now)

    def began(self, starts: Mapping[Partition, Position], published: Mapping[Partition, Published]) -> None:
        """Partitions were assigned and their ledgers read."""
        self.broker(None)
        with self.metrics.lock:
            self._partitions.begin(starts)
        already = sum(len(found.results) + len(found.dead_letters) for found in published.values())
        names = [f"{topic}/{partition}" for topic, partition in sorted(starts)]
        self.log.info("partitions assigned", partitions=names, already_published=already)

    def polled(self, polled: Poll, *, wanted: int, now: float) -> None:
        """The loop asked for `wanted` messages."""
        self.health.joined = polled.joined
        if polled.joined:
            self._joining.ends(now)
        else:
            self._joining.goes_on(now)
        with self.metrics.lock:
            self._clock.spent("poll" if polled.batches else "idle", now=now)
            self._partitions.aside(polled.aside)
            if polled.reassigned:
                self._partitions.reassigned()
            else:
                self._partitions.polled(polled.batches, polled.lag, now=self.wall())
            if polled.batches:
                self.metrics.flush.labels("full" if len(polled) >= wanted else "drained").inc()

    def consumed(self, polled: Poll) -> None:
        """Messages were read: they are in flight until they are published or dropped."""
        if not polled.batches:
            return
        with self.metrics.lock:
            self.metrics.in_flight.inc(len(polled))
            for source, batch in polled.batches.items():
                self.metrics.consumed.labels(source.topic).inc(len(batch))
                self.metrics.consumed_bytes.labels(source.topic).inc(
                    sum([len(record.value or b"") for record in batch])
                )

    def published(
        self,
        outcome: Outcome,
        polled: Poll,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
    ) -> None:
        """A batch is acked; `results` and `dead_letters` are those that were not published before."""
        metrics, now, messages = self.metrics, self.wall(), len(polled)
        self.broker(None)
        with metrics.lock:
            metrics.in_flight.dec(messages)
            metrics.processed.labels("ok").inc(len(results))
            metrics.processed.labels("dead_letter").inc(len(dead_letters))
            answered = len(results) + len(dead_letters)
            metrics.processed.labels("skipped").inc(outcome.skipped)
            metrics.processed.labels("already_published").inc(messages - answered - outcome.skipped)
            for topic, sent in zip(metrics.outputs, (results, dead_letters), strict=True):
                metrics.produced.labels(topic).inc(len(sent))
            metrics.batch.observe(messages)
            metrics.progress.set(now)
            self._answers.count(outcome, polled.records, results=results, dead_letters=dead_letters, now=now)
            self._partitions.finished(polled.batches, now=now)

    def dropped(self, messages: int, error: Exception, *, operation: str) -> None:
        """A batch will be read again."""
        with self.metrics.lock:
            self.metrics.in_flight.dec(messages)
            self.metrics.processed.labels("dropped").inc(messages)
            self.metrics.retries.labels(operation).inc()
            if isinstance(error, PublishFailed):
                self.metrics.produce_errors.labels(error.reason).inc()
        self.log.warning("batch dropped, beginning again from the committed offsets", error=str(error))

    def put_back(self, messages: int) -> None:
        """Messages that were read and not worked on will be read again."""
        with self.metrics.lock:
            self.metrics.in_flight.dec(messages)
            self.metrics.processed.labels("dropped").inc(messages)

    def told_store(self, pushed: Pushed, snapshot: Snapshot | None) -> None:
        """The store knows everything that was observed, or has forgotten something."""
        learned = pushed.learned
        self.store(None)
        with self.metrics.lock:
            self.metrics.learned.inc(learned.rows)
            self.metrics.conflicts.inc(learned.conflicts)
            self.metrics.last_sync.set(self.wall())
            inertia = self._answers.inertia()
            if inertia is not None:
                self.metrics.inertia.set(inertia)
            if snapshot is not None:
                self._snapshots.show(version=snapshot.version, centers=snapshot.centers, counts=snapshot.counts)
        if learned.rolled_back:
            self.metrics.store_losses.inc()
            self.log.warning("the store forgot what it had learned: reading again", restored=learned.restored)
        if pushed.added.rolled_back:
            self.log.warning("the store forgot what it had counted: reading again")

    def committed(self, error: Exception | None) -> None:
        """Offsets were committed, or not."""
        self.metrics.commits.labels("ok" if error is None else "error").inc()

    def refused(self, error: OwnershipLost) -> None:
        """The group does not count this worker as the owner of what it read."""
        self.metrics.rebalances.labels("lost").inc()
        self.log.info("the group has moved on", error=str(error))

    def given_up(self, given_up: GivenUp) -> None:
        """What will never be learned or counted: the store has been away for too long."""
        if not (given_up.rows or given_up.increments):
            return
        self.metrics.unlearned.inc(given_up.rows)
        if not self._gives_up:
            self.log.warning(
                "more waits for the store than this worker holds (clusters.max_pending_bytes): the oldest is given up",
                messages=given_up.rows,
                increments=given_up.increments,
            )
        self._gives_up = True

    def pending(self, bytes_held: int) -> None:
        """Memory of results that are not learned yet."""
        self.metrics.pending.set(bytes_held)

    def stage(self, name: str, seconds: float) -> None:
        """How long one step of an iteration took."""
        self.metrics.stage.labels(name).observe(seconds)

    def store(self, error: StoreUnavailable | None) -> None:
        """The store answered (None) or did not."""
        if error is not None:
            self.metrics.sync_errors.inc()
            self.metrics.retries.labels("store").inc()
        if self.health.store_ok and error is not None:
            self.log.warning("store away: labelling goes on, what is to be learned waits", error=str(error))
        elif not self.health.store_ok and error is None:
            self.log.warning("store back")
        self.health.store_ok = error is None
        self.metrics.store_up.set(error is None)
        self._gives_up = self._gives_up and error is not None

    def broker(self, error: ServiceError | None) -> None:
        """The broker answered (None) or did not."""
        if error is None:
            self._broker.ends(self.wall())
        else:
            self._broker.goes_on(self.wall(), error=str(error))
        self.health.broker_ok = error is None
