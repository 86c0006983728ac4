"""The named fault points: wrappers around a worker's parts, put in place through `worker.app.Parts`.

| point | where the worker stands |
|---|---|
| before_fence | the batch is labelled, the coordinator has not been asked |
| between_fence_and_send | the fence has passed, nothing is sent: the worst place for a pause |
| between_dead_letters_and_results | dead letters are acked, no result is sent |
| mid_acks | the first half of the results is acked |
| before_offsets | everything is sent in a transaction, its offsets are not (`delivery.guarantee: exactly_once`) |
| in_a_transaction | the offsets too, the transaction is not committed |
| between_publish_and_learn | everything is acked, nothing is remembered |
| between_learn_and_commit | the store has counted, offsets are not committed |
| before_learn_write | new centroids are computed, or rows are about to be pooled: the store knows nothing of it |
| pooling | rows lie in the seed pool, offsets are not committed |
| before_seeding, after_seeding | around the write that turns the pool into centroids |
| during_rebalance | the group has a new generation, the worker has just heard of it or is about to seek |
| full_log | anywhere in a poll; from here on the log device has no room |
"""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.chaos.control import Field, Gate
from textsieve.worker.clustering.centroids import CentroidStore, PoolRows, SeedPool, Snapshot
from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import Outgoing, Partition, Position, Predictions, Progress
from textsieve.worker.streams import Poll, Published, Sink, Source
from textsieve.worker.testing import HashingPredictor

FAILS = "unspeakable"  # a text with this word breaks the model, alone or in company
BULKY = "enormous"  # a text with this word needs so much memory that only few others fit beside it
BESIDE_BULKY = 8  # texts of one pass that fit in memory when a bulky one is among them
BATCH_SECONDS = 0.02  # of a forward pass, whatever its size
TEXT_SECONDS = 0.004  # more for every text: 200 messages per second and worker, as a small model on one core


@dataclass(slots=True)
class GatedSource:
    """Counts what the worker holds."""

    inner: Source
    gate: Gate

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        if self.gate.is_armed("full_log"):
            _fill_log()
            self.gate.hit("full_log")
        polled = self.inner.poll(max_records=max_records, timeout_seconds=timeout_seconds)
        if polled.reassigned:  # with a transaction under way; by the time of the rewind it is settled
            self.gate.hit("during_rebalance")
        self.gate.page[Field.UNFINISHED] += len(polled.records)
        return polled

    def rewind(self, floor: Mapping[Partition, Position]) -> Mapping[Partition, Position]:
        """See Source."""
        self.gate.hit("during_rebalance")
        starts = self.inner.rewind(floor)
        self.gate.page[Field.UNFINISHED] = 0
        self.gate.page[Field.BEGUN] += 1
        return starts

    def fence(self) -> None:
        """See Source."""
        self.gate.hit("before_fence")
        self.gate.page[Field.EXPOSED] = 1
        try:
            self.inner.fence()
        except BaseException:
            self.gate.page[Field.EXPOSED] = 0
            raise

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """See Source."""
        self.inner.set_aside(partitions, reason=reason)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        self.gate.hit("between_learn_and_commit")
        self.inner.commit(offsets)
        self.gate.page[Field.UNFINISHED] = 0


@dataclass(slots=True)
class GatedSink:
    """Publishes in two steps where a point between them is armed."""

    inner: Sink
    gate: Gate
    _handed_over: int = 0  # messages of the batch that is on its way

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        self._handed_over = 0
        return self.inner.recover(starts)

    @property
    def is_transactional(self) -> bool:
        """See Sink."""
        return self.inner.is_transactional

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """See Sink."""
        try:
            self.gate.hit("between_fence_and_send")
            half = len(results) // 2
            hand_over = partial(self.inner.publish, progress=progress, timeout_seconds=timeout_seconds)
            if self.is_transactional:
                hand_over(results=results, dead_letters=dead_letters)
            elif results and dead_letters and self.gate.is_armed("between_dead_letters_and_results"):
                hand_over(results=(), dead_letters=dead_letters)
                self.gate.hit("between_dead_letters_and_results")
                hand_over(results=results, dead_letters=())
            elif half and self.gate.is_armed("mid_acks"):
                hand_over(results=results[:half], dead_letters=dead_letters)
                self.gate.hit("mid_acks")
                hand_over(results=results[half:], dead_letters=())
            else:
                hand_over(results=results, dead_letters=dead_letters)
        finally:
            self.gate.page[Field.EXPOSED] = 0
        if self.is_transactional:
            self._handed_over = self.gate.page[Field.UNFINISHED]
        else:
            self.gate.hit("between_publish_and_learn")

    def settle(self) -> None:
        """See Sink."""
        self.inner.settle()
        self.gate.page[Field.UNFINISHED] -= self._handed_over
        self._handed_over = 0


@dataclass(slots=True)
class GatedStore:
    """Stops around the writes that seed a space."""

    inner: CentroidStore
    gate: Gate

    def revision(self) -> str | None:
        """See CentroidStore."""
        return self.inner.revision()

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        return self.inner.load()

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """See CentroidStore."""
        if pool_revision is None:
            self.gate.hit("before_learn_write")
            return self.inner.replace(snapshot, expected=expected)
        self.gate.hit("before_seeding")
        done = self.inner.replace(snapshot, expected=expected, pool_revision=pool_revision)
        self.gate.hit("after_seeding")
        return done

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        self.gate.hit("before_learn_write")
        pool = self.inner.pool(rows)
        self.gate.hit("pooling")
        return pool


@dataclass(slots=True)
class SlowPredictor:
    """Takes the time of a real model without its work, and fails where it is told to."""

    gate: Gate
    inner: HashingPredictor = field(default_factory=HashingPredictor)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return self.inner.card

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        time.sleep(BATCH_SECONDS + TEXT_SECONDS * len(texts))
        if len(texts) > BESIDE_BULKY and any(BULKY in text for text in texts):
            self.gate.page[Field.OUT_OF_MEMORY] += 1
            raise DeviceOutOfMemory(f"no room for {len(texts)} texts beside a bulky one")
        if any(FAILS in text for text in texts):
            self.gate.page[Field.FAILED] += 1
            raise PredictorError("the model broke on a text")
        self.inner.seen.clear()
        return self.inner.predict(texts)


def _fill_log() -> None:
    """Point this process's output at a device that has no room, as a full disk has none."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.dup2(full, 2)
    os.close(full)
