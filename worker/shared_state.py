"""What a worker adds to the store at its checkpoints: what the clusters learn and what stages count, on one path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from textsieve.worker.batch import Batch, Column
from textsieve.worker.clustering.online import Learned, OnlineClusters
from textsieve.worker.counting.guarded import Added, GuardedCounters
from textsieve.worker.counting.increments import Counts, increments_of
from textsieve.worker.outcome import observations
from textsieve.worker.records import Partition, Position


@dataclass(frozen=True, slots=True)
class Floor:
    """Where a stream must start at the latest, so that the store misses nothing.

    Attributes:
        positions: the first offset of each partition that something in the store lacks.
        unsure: partitions of which one part of the store knows its position and another does not: there the offset that
            was noted beside the committed one is a floor too.
    """

    positions: Mapping[Partition, Position]
    unsure: frozenset[Partition] = frozenset()


class GivenUp(NamedTuple):
    """What the store will never be told."""

    rows: int  # results that no cluster will have learned
    increments: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the store was told."""

    learned: Learned
    added: Added

    @property
    def rolled_back(self) -> bool:
        """Whether the store has forgotten something: read again from its watermarks."""
        return self.learned.rolled_back or self.added.rolled_back


@dataclass(frozen=True, slots=True)
class Counting:
    """The counters in the store, and the columns of a batch that say what is added to them."""

    counters: GuardedCounters
    columns: Sequence[Column[Sequence[Counts]]]


@dataclass(frozen=True, slots=True)
class SharedState:
    """Everything that is told the store once for each message, whatever is repeated.

    A part of it knows the first offset of each partition that the store lacks (its watermark), written in the same step
    as what it guards. A stream starts at the least of them; what is read again is left out where it is known. Nothing
    is told before the answers count.

    Attributes:
        counting: None where no stage counts: it costs nothing then.
    """

    clusters: OnlineClusters
    counting: Counting | None = field(default=None)

    @property
    def has_pending(self) -> bool:
        """Whether the store is to be told anything."""
        return self.clusters.has_pending or (self.counting is not None and self.counting.counters.has_pending)

    def floor(self) -> Floor:
        """Where a stream must start at the latest; what this worker knows, while the store is away."""
        learned = self.clusters.watermarks()
        if self.counting is None:
            return Floor(learned)
        counted = self.counting.counters.marks()
        unsure = {
            partition
            for partition in learned.keys() | counted.keys()
            if partition not in learned
            or partition not in counted
            or learned[partition].topic_id != counted[partition].topic_id
        }
        both = {**counted, **learned}
        positions = {partition: min(both[partition], counted.get(partition, both[partition])) for partition in both}
        return Floor(positions, frozenset(unsure))

    def begin(self, starts: Mapping[Partition, Position]) -> GivenUp:
        """Forget what was observed and not pushed: the stream starts again at `starts`."""
        if self.counting is not None:
            self.counting.counters.begin(starts)
        return GivenUp(self.clusters.begin(starts), 0)

    def observe(self, batch: Batch, finished: Mapping[Partition, int]) -> GivenUp:
        """Remember answers that count until the next checkpoint; memory only.

        Args:
            batch: after the last stage.
            finished: next offset of each partition, past dead letters and past what was skipped.
        """
        increments = 0
        if self.counting is not None:
            increments = self.counting.counters.observe(increments_of(batch, self.counting.columns), finished)
        return GivenUp(self.clusters.observe(observations(batch), finished), increments)

    def pushed_up_to(self, partition: Partition) -> int:
        """The first offset of a partition being read that some part of the store is not known to have."""
        learned = self.clusters.learned_up_to(partition)
        return learned if self.counting is None else min(learned, self.counting.counters.counted_up_to(partition))

    def push(self) -> Pushed:
        """Tell the store what was observed, the counters first; each part may be repeated by itself.

        Raises:
            StoreUnavailable: nothing was forgotten, try again later.
            ConfigurationError: the space belongs to another model, group or k.
        """
        added = Added() if self.counting is None else self.counting.counters.flush()
        if added.rolled_back:
            return Pushed(Learned(), added)
        return Pushed(self.clusters.learn(), added)
