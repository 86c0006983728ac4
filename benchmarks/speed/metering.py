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
from textsieve.worker.ceiling import DeadLetterCeiling
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.health import Health
from textsieve.worker.journal import Journal
from textsieve.worker.loop import LoopSettings, StreamLoop
from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.pace import Pace
from textsieve.worker.pipeline import build_pipeline
from textsieve.worker.records import REASONS, Record
from textsieve.worker.settings import Settings
from textsieve.worker.shared_state import SharedState
from textsieve.worker.streams import Poll
from textsieve.worker.testing import MemoryCentroidStore, MemoryLog, MemorySink, MemorySource

BATCH = 1000  # messages, as delivery.max_batch_records


@dataclass(slots=True)
class TimedJournal:
    """Adds up the CPU time of a journal's methods."""

    journal: Journal
    seconds: float = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.journal, name)
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
    """CPU time of the journal alone: what is measured includes the clock reads around each of its calls."""
    return Spread.of([_round(values) for _ in range(rounds)])


def _round(values: list[bytes]) -> float:
    log = MemoryLog.of("messages", values, partitions=2)
    predictor = NullPredictor()
    space = ClusterSpace(predictor.card.fingerprint, "bench", CLUSTERS, BATCH, 60.0)
    clusters = OnlineClusters(MemoryCentroidStore(), space, Random(1), lambda _seconds: None)
    metrics = Metrics(
        registry=ConsistentRegistry(), labels=predictor.labels, reasons=REASONS, inputs=("messages",), k=CLUSTERS
    )
    journal = TimedJournal(
        Journal(
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
        settings=LoopSettings(0.3, 1.0, 10.0, 10.0, 64 << 20),
        pace=Pace(BATCH, 1.0),
        ceiling=DeadLetterCeiling(0.5, 1000, 500),
        journal=journal,  # type: ignore[arg-type]  # the same methods
        rng=Random(1),
        clock=time.monotonic,
        wait=lambda _seconds: None,
    )
    while len(log.results) < min(4 * BATCH, len(values) // 2):  # the pace settles, the clusters are seeded
        loop.turn()
    before, journal.seconds = len(log.results), 0.0
    while len(log.results) < len(values):
        loop.turn()
    return journal.seconds / (len(values) - before) * 1e6
