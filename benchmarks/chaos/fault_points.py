"""The named fault points: wrappers around a worker's parts, put in place through `worker.app.Overrides`.

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
from typing import Any

from benchmarks.chaos.control import FaultPoints, Field
from benchmarks.chaos.wrapped import Wrapped
from textsieve.worker.clustering.centroids import PoolRows, SeedPool, Snapshot
from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import Outgoing, Partition, Position, Predictions
from textsieve.worker.streams import Poll, Published
from textsieve.worker.testing import HashingPredictor

FAILS = "unspeakable"  # a text with this word breaks the model, alone or in company
BULKY = "enormous"  # a text with this word needs so much memory that only few others fit beside it
BESIDE_BULKY = 8  # texts of one pass that fit in memory when a bulky one is among them
BATCH_SECONDS = 0.02  # of a forward pass, whatever its size
TEXT_SECONDS = 0.004  # more for every text: 200 messages per second and worker, as a small model on one core


@dataclass(slots=True)
class FaultPointSource(Wrapped):
    """Counts what the worker holds."""

    points: FaultPoints

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        if self.points.is_armed("full_log"):
            _fill_log()
            self.points.hit("full_log")
        polled: Poll = self.inner.poll(max_records=max_records, timeout_seconds=timeout_seconds)
        if polled.reassigned:  # with a transaction under way; by the time of the rewind it is settled
            self.points.hit("during_rebalance")
        self.points.page[Field.UNFINISHED] += len(polled.records)
        return polled

    def rewind(
        self, floor: Mapping[Partition, Position], *, unsure: Collection[Partition] = ()
    ) -> Mapping[Partition, Position]:
        """See Source."""
        self.points.hit("during_rebalance")
        starts: Mapping[Partition, Position] = self.inner.rewind(floor, unsure=unsure)
        self.points.page[Field.UNFINISHED] = 0
        self.points.page[Field.BEGUN] += 1
        return starts

    def fence(self) -> None:
        """See Source."""
        self.points.hit("before_fence")
        self.points.page[Field.EXPOSED] = 1
        try:
            self.inner.fence()
        except BaseException:
            self.points.page[Field.EXPOSED] = 0
            raise

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        self.points.hit("between_learn_and_commit")
        self.inner.commit(offsets)
        self.points.page[Field.UNFINISHED] = 0


@dataclass(slots=True)
class FaultPointSink(Wrapped):
    """Publishes in two steps where a point between them is armed."""

    points: FaultPoints
    _handed_over: int = 0  # messages of the batch that is on its way

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        self._handed_over = 0
        published: Mapping[Partition, Published] = self.inner.recover(starts)
        return published

    def publish(self, *, results: Sequence[Outgoing], dead_letters: Sequence[Outgoing], **more: Any) -> None:
        """See Sink."""
        try:
            self.points.hit("between_fence_and_send")
            half = len(results) // 2
            hand_over = partial(self.inner.publish, **more)
            if self.is_transactional:
                hand_over(results=results, dead_letters=dead_letters)
            elif results and dead_letters and self.points.is_armed("between_dead_letters_and_results"):
                hand_over(results=(), dead_letters=dead_letters)
                self.points.hit("between_dead_letters_and_results")
                hand_over(results=results, dead_letters=())
            elif half and self.points.is_armed("mid_acks"):
                hand_over(results=results[:half], dead_letters=dead_letters)
                self.points.hit("mid_acks")
                hand_over(results=results[half:], dead_letters=())
            else:
                hand_over(results=results, dead_letters=dead_letters)
        finally:
            self.points.page[Field.EXPOSED] = 0
        if self.is_transactional:
            self._handed_over = self.points.page[Field.UNFINISHED]
        else:
            self.points.hit("between_publish_and_learn")

    def settle(self) -> None:
        """See Sink."""
        self.inner.settle()
        self.points.page[Field.UNFINISHED] -= self._handed_over
        self._handed_over = 0


@dataclass(slots=True)
class FaultPointStore(Wrapped):
    """Stops around the writes that seed a space."""

    points: FaultPoints

    def replace(self, snapshot: Snapshot, *, pool_revision: str | None = None, **more: Any) -> bool:
        """See CentroidStore."""
        if pool_revision is None:
            self.points.hit("before_learn_write")
            return bool(self.inner.replace(snapshot, **more))
        self.points.hit("before_seeding")
        done = bool(self.inner.replace(snapshot, pool_revision=pool_revision, **more))
        self.points.hit("after_seeding")
        return done

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        self.points.hit("before_learn_write")
        pool: SeedPool | None = self.inner.pool(rows)
        self.points.hit("pooling")
        return pool


@dataclass(slots=True)
class SlowPredictor:
    """Takes the time of a real model without its work, and fails where it is told to."""

    points: FaultPoints
    inner: HashingPredictor = field(default_factory=HashingPredictor)

    @property
    def card(self) -> ModelCard:
        """See Predictor."""
        return self.inner.card

    def predict(self, texts: Sequence[str]) -> Predictions:
        """See Predictor."""
        time.sleep(BATCH_SECONDS + TEXT_SECONDS * len(texts))
        if len(texts) > BESIDE_BULKY and any(BULKY in text for text in texts):
            self.points.page[Field.OUT_OF_MEMORY] += 1
            raise DeviceOutOfMemory(f"no room for {len(texts)} texts beside a bulky one")
        if any(FAILS in text for text in texts):
            self.points.page[Field.FAILED] += 1
            raise PredictorError("the model broke on a text")
        self.inner.seen.clear()
        return self.inner.predict(texts)


def _fill_log() -> None:
    """Point this process's output at a device that has no room, as a full disk has none."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.dup2(full, 2)
    os.close(full)
