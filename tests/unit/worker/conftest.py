"""A whole worker in memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import pytest
import structlog
from msgspec.structs import replace
from threadpoolctl import threadpool_limits

from tests.dead_letters import as_stored
from textsieve.worker.batch_limit import AdaptiveBatchLimit
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.pending import row_bytes
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.counting.guarded import GuardedCounters
from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.health import Health
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.loop import LoopSettings, StreamLoop
from textsieve.worker.loop_events import LoopEvents
from textsieve.worker.metrics import ConsistentRegistry, Metrics
from textsieve.worker.pipeline import Pipeline, build_pipeline
from textsieve.worker.records import REASONS, Partition
from textsieve.worker.settings import Settings
from textsieve.worker.shared_state import Counting, SharedState
from textsieve.worker.stages.stage import Stage
from textsieve.worker.testing import (
    HashingPredictor,
    ManualClock,
    MemoryCentroidStore,
    MemoryCounterStore,
    MemoryLog,
    MemorySink,
    MemorySource,
    MemoryTransactionalSink,
)


@dataclass
class MemoryWorker:
    """One worker over a shared log and store; several may share both."""

    log: MemoryLog
    store: MemoryCentroidStore = field(default_factory=MemoryCentroidStore)
    predictor: Predictor = field(default_factory=HashingPredictor)
    k: int = 3
    seed_size: int = 6
    max_batch_records: int = 10
    checkpoint_seconds: float = 0.0
    max_pending_bytes: int = 10_000_000
    max_iteration_seconds: float = 1e9
    clock: ManualClock = field(default_factory=lambda: ManualClock(100.0))
    transactional: bool = False
    settings: Settings = field(default_factory=Settings)
    stages: Sequence[Stage] = ()
    counters: MemoryCounterStore = field(default_factory=MemoryCounterStore)
    dead_letter_limit: DeadLetterLimit = field(default_factory=lambda: DeadLetterLimit(1.0, 1000, 10**9))

    def __post_init__(self) -> None:
        max_reread = self.max_pending_bytes // row_bytes(self.predictor.card.dim)
        self.source = MemorySource(self.log, max_reread=max_reread)
        self.sink = MemoryTransactionalSink(self.log, self.source) if self.transactional else MemorySink(self.log)
        self.health = Health()
        space = ClusterSpace(self.predictor.card.fingerprint, "group", self.k, self.seed_size, 60.0)
        self.clusters = OnlineClusters(self.store, space, Random(1), self.clock.advance, self.max_pending_bytes)
        self.metrics = Metrics(
            registry=ConsistentRegistry(), labels=self.predictor.card.labels, reasons=REASONS, inputs=("in",), k=self.k
        )
        self.loop = StreamLoop(
            source=self.source,
            sink=self.sink,
            pipeline=self._pipeline(self.predictor),
            state=SharedState(self.clusters, self._counting()),
            settings=LoopSettings(0.0, self.checkpoint_seconds, 3.0, 300.0),
            batch_limit=AdaptiveBatchLimit(self.max_batch_records, self.max_iteration_seconds),
            dead_letter_limit=self.dead_letter_limit,
            events=LoopEvents(self.metrics, self.health, structlog.stdlib.get_logger("test"), self.clock),
            rng=Random(1),
            clock=self.clock,
            wait=self.clock.advance,
        )

    def _counting(self) -> Counting | None:
        columns = self._pipeline(self.predictor).counts
        return Counting(GuardedCounters(self.counters), columns) if columns else None

    def _pipeline(self, predictor: Predictor) -> Pipeline:
        return build_pipeline(
            self.settings,
            predictor=predictor,
            assign=self.clusters.assign,
            now_ms=lambda: int(self.clock() * 1000),
            more=self.stages,
        )

    def ask(self, predictor: Predictor) -> None:
        """From now on another model."""
        self.loop.pipeline = self._pipeline(predictor)

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.loop.turn()
            self.clock.advance(0.1)

    def drain(self) -> None:
        """Turn until everything in the log is committed, and learned as far as the store answers."""
        for _ in range(500):
            self.turns(1)
            if self._is_drained():
                return
        raise AssertionError(f"not drained: {self.log.committed}")

    def _is_drained(self) -> bool:
        committed = all(self.log.committed.get(p) == len(records) for p, records in self.log.records.items())
        if not (committed and self.transactional):
            return committed
        is_read = all(offset == len(self.log.records[p]) for p, offset in self.loop._next.items())
        return is_read and self.loop._begun and not self.loop.state.has_pending


@pytest.fixture(params=["at_least_once", "exactly_once"])
def make_worker(request: pytest.FixtureRequest) -> Callable[..., MemoryWorker]:
    """Workers with either guarantee."""
    return partial(MemoryWorker, transactional=request.param == "exactly_once")


@pytest.fixture
def at_least_once() -> Callable[..., MemoryWorker]:
    """Workers that read the output back."""
    return MemoryWorker


@pytest.fixture
def exactly_once() -> Callable[..., MemoryWorker]:
    """Workers whose batches are transactions."""
    return partial(MemoryWorker, transactional=True)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Small matrices on a busy machine: threads that wait for each other take seventy times as long."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def stored(make_worker):
    """The dead letters of a worker that met one message of each kind."""
    log = MemoryLog.of("in", [b"not json", b"[1]", b'{"text": "fine"}', None, b"\xff"])
    partition = Partition("in", 0)
    log.records[partition] = [
        replace(record, key=b"k%d" % record.offset, headers=(("trace", b"abc"), ("textsieve.source", b"forged/0/0")))
        for record in log.records[partition]
    ]
    make_worker(log).turns(3)
    return as_stored(log.dead_letters)
