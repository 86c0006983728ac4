"""What all metrics together cost a worker, in CPU time per message, without broker, store or model."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import structlog
from msgspec import structs

from benchmarks.speed.figures import Spread
from benchmarks.speed.null import NullPredictor
from benchmarks.speed.rivals.options import CLUSTERS
from textsieve.worker.batch_limit import AdaptiveBatchLimit
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.health import Health
from textsieve.worker.loop import LoopSettings, StreamLoop
from textsieve.worker.loop_events import LoopEvents
from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.records import REASONS, Record
from textsieve.worker.settings import Settings
from textsieve.worker.shared_state import SharedState
from textsieve.worker.streams import Poll
from textsieve.worker.testing import MemoryCentroidStore, MemoryLog, MemorySink, MemorySource

BATCH = 1000  # messages, as delivery.max_batch_records


@dataclass(slots=True)
class TimedEvents:
    """Adds up the CPU time of the methods of LoopEvents."""

    events: LoopEvents
    seconds: float = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.events, name)
        return self._timed(found) if callable(found) else found

    def _timed(self, method: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            began = time.thread_time()
            try:
                return method(*arguments, **named)
            finally:
                self.seconds += time.thread_time() - began

        return call


@dataclass(slots=True)
class FreshSource(MemorySource):
    """Makes its records at every poll, as a client does: they are still in the processor's cache afterwards."""

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        polled = super(FreshSource, self).poll(max_records=max_records, timeout_seconds=timeout_seconds)
        return replace(polled, batches={source: list(map(_copy, batch)) for source, batch in polled.batches.items()})


def _copy(record: Record) -> Record:
    return structs.replace(record, value=bytes(bytearray(record.value or b"")))


def microseconds_per_message(values: list[bytes], *, rounds: int) -> Spread:
    """CPU time of LoopEvents alone: what is measured includes the clock reads around each of its calls."""
    return Spread.of([_round(values) for _ in range(rounds)])


def _round(values: list[bytes]) -> float:
    log = MemoryLog.of("messages", values, partitions=2)
    predictor = NullPredictor()
    space = ClusterSpace(predictor.card.fingerprint, "bench", CLUSTERS, BATCH, 60.0)
    clusters = OnlineClusters(MemoryCentroidStore(), space, Random(1), lambda _seconds: None)
    metrics = Metrics(
        registry=ConsistentRegistry(), labels=predictor.labels, reasons=REASONS, inputs=("messages",), k=CLUSTERS
    )
    events = TimedEvents(
        LoopEvents(
            metrics,
            Health(),
            structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=[structlog.processors.JSONRenderer()]),
            time.time,
        )
    )
    loop = StreamLoop(
        source=FreshSource(log),
        sink=MemorySink(log),
        pipeline=build_pipeline(Settings(), predictor=predictor, assign=clusters.assign, now_ms=lambda: 0),
        state=SharedState(clusters),
        settings=LoopSettings(0.3, 1.0, 10.0, 10.0),
        batch_limit=AdaptiveBatchLimit(BATCH, 1.0),
        dead_letter_limit=DeadLetterLimit(0.5, 1000, 500),
        events=events,  # type: ignore[arg-type]  # the same methods
        rng=Random(1),
        clock=time.monotonic,
        wait=lambda _seconds: None,
    )
    while len(log.results) < min(4 * BATCH, len(values) // 2):  # the pace settles, the clusters are seeded
        loop.turn()
    before, events.seconds = len(log.results), 0.0
    while len(log.results) < len(values):
        loop.turn()
    return events.seconds / (len(values) - before) * 1e6
