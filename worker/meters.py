"""Stand between the worker and its model or its store, and tell the metrics what each call took."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from textsieve.worker.clustering.centroids import CentroidStore, PoolRows, SeedPool, Snapshot
from textsieve.worker.health import Health
from textsieve.worker.metrics import Metrics


@dataclass(frozen=True, slots=True)
class PredictorMeter:
    """What the predictor spends (see worker.inference.predictor.Meter); every step of it is a sign of life.

    Attributes:
        clock: monotonic seconds, the same as the loop's.
    """

    metrics: Metrics
    health: Health
    clock: Callable[[], float]

    def tokenized(self, *, seconds: float) -> None:
        """See Meter."""
        self.health.last_step = self.clock()
        self.metrics.model_step.labels("tokenize").observe(seconds)

    def passed(self, *, seconds: float, real_tokens: int, padding_tokens: int) -> None:
        """See Meter."""
        self.health.last_step = self.clock()
        self.metrics.model_step.labels("forward").observe(seconds)
        self.metrics.tokens.labels("real").inc(real_tokens)
        self.metrics.tokens.labels("padding").inc(padding_tokens)

    def out_of_memory(self) -> None:
        """See Meter."""
        self.metrics.out_of_memory.inc()

    def looked_up(self, *, hits: int, misses: int) -> None:
        """See Meter."""
        self.metrics.cache_requests.labels("hit").inc(hits)
        self.metrics.cache_requests.labels("miss").inc(misses)


@dataclass(frozen=True, slots=True)
class MeteredStore:
    """A CentroidStore whose calls are timed; a call that fails is not.

    Attributes:
        clock: monotonic seconds.
    """

    store: CentroidStore
    metrics: Metrics
    clock: Callable[[], float]

    def revision(self) -> str | None:
        """See CentroidStore."""
        with self._timed("pull"):
            return self.store.revision()

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        with self._timed("pull"):
            return self.store.load()

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """See CentroidStore."""
        with self._timed("push"):
            return self.store.replace(snapshot, expected=expected, pool_revision=pool_revision)

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        with self._timed("push"):
            return self.store.pool(rows)

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        began = self.clock()
        yield
        self.metrics.sync.labels(operation).observe(self.clock() - began)
