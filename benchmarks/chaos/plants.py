"""Planted faults: workers that break the promise on purpose, so that the checker can be seen to notice.

Each is a mistake that a streaming worker is easily written with, and each must make a run exit 1: the first five with
the ledger (at_least_once), the others with transactions (exactly_once), on three nodes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from benchmarks.chaos import planted_transactions as transactions
from textsieve.worker import app
from textsieve.worker.clustering.centroids import CentroidStore, PoolRows, SeedPool, Snapshot
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.records import Observations, Outgoing, Partition, Position, Progress
from textsieve.worker.streams import Poll, Published, Sink, Source


class Plant(StrEnum):
    """What is wrong with the workers of a run."""

    NONE = "none"
    COMMIT_BEFORE_PUBLISH = "commit-before-publish"
    LEDGER_NOT_READ = "ledger-not-read"
    NO_SEEK_BACK = "no-seek-back"
    WATERMARK_IGNORED = "watermark-ignored"
    COMMIT_BEFORE_LEARN = "commit-before-learn"
    METADATA_AT_COMMIT = "metadata-at-commit"
    OFFSETS_OUTSIDE = "offsets-outside"
    ACKS_1 = "acks-1"
    NO_WATCHDOG = "no-watchdog"


COMMITS_EARLY = (Plant.COMMIT_BEFORE_PUBLISH, Plant.COMMIT_BEFORE_LEARN)


@dataclass(slots=True)
class PlantedSource:
    """Remembers what was read, for the plants that need it.

    Attributes:
        ignores_floor: begins at the committed offsets, whatever the clusters have learned: with the floor in place a
            commit that comes too early is mended at the next start.
        goes_on: after a dropped batch, goes on behind it, as a consumer does that nobody seeks back.
    """

    inner: Source
    ignores_floor: bool = False
    goes_on: bool = False
    read: dict[Partition, int] = field(default_factory=dict)  # next offset of every partition owned

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        polled = self.inner.poll(max_records=max_records, timeout_seconds=timeout_seconds)
        fresh = {
            source: [record for record in batch if record.offset >= self.read.get(source, 0)]
            for source, batch in polled.batches.items()
        }
        batches = {source: batch for source, batch in fresh.items() if batch}
        self.read.update({source: batch[-1].offset + 1 for source, batch in batches.items()})
        return replace(polled, batches=batches)

    def rewind(self, floor: Mapping[Partition, Position]) -> Mapping[Partition, Position]:
        """See Source."""
        starts = self.inner.rewind({} if self.ignores_floor else floor)
        kept = self.read if self.goes_on else {}
        self.read = {source: max(start.offset, kept.get(source, 0)) for source, start in starts.items()}
        return {source: start._replace(offset=self.read[source]) for source, start in starts.items()}

    def fence(self) -> None:
        """See Source."""
        self.inner.fence()

    def set_aside(self, partitions: Collection[Partition], *, reason: str) -> None:
        """See Source."""
        self.inner.set_aside(partitions, reason=reason)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See Source."""
        self.inner.commit(offsets)


@dataclass(slots=True)
class EagerSink:
    """Commits a batch before it is published."""

    inner: Sink
    source: PlantedSource

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
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
        self.source.commit(self.source.read)
        self.inner.publish(
            results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
        )

    def settle(self) -> None:
        """See Sink."""
        self.inner.settle()


@dataclass(slots=True)
class ForgetfulSink:
    """Takes the output log for empty."""

    inner: Sink

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        return {source: Published() for source in starts}

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
        self.inner.publish(
            results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
        )

    def settle(self) -> None:
        """See Sink."""
        self.inner.settle()


@dataclass(slots=True)
class LateStore:
    """Learns after the offsets are committed."""

    inner: CentroidStore
    sources: Sequence[PlantedSource]  # one, as soon as the worker has built it; it builds the store before

    def revision(self) -> str | None:
        """See CentroidStore."""
        return self.inner.revision()

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        return self.inner.load()

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """See CentroidStore."""
        self._commit()
        return self.inner.replace(snapshot, expected=expected, pool_revision=pool_revision)

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        self._commit()
        return self.inner.pool(rows)

    def _commit(self) -> None:
        for source in self.sources:
            source.commit(source.read)


def planted(plant: Plant, parts: app.Parts) -> app.Parts:
    """The same parts, with one mistake among them."""
    built: list[PlantedSource] = []

    def source(part: Source) -> Source:
        built.append(PlantedSource(part, ignores_floor=plant in COMMITS_EARLY, goes_on=plant is Plant.NO_SEEK_BACK))
        return parts.source(built[0])

    match plant:
        case Plant.NONE:
            return parts
        case Plant.COMMIT_BEFORE_PUBLISH:
            return replace(parts, source=source, sink=lambda part: EagerSink(parts.sink(part), built[0]))
        case Plant.LEDGER_NOT_READ:
            return replace(parts, sink=lambda part: ForgetfulSink(parts.sink(part)))
        case Plant.NO_SEEK_BACK:
            return replace(parts, source=source)
        case Plant.WATERMARK_IGNORED:
            OnlineClusters._unlearned = _everything  # type: ignore[method-assign,assignment]  # noqa: SLF001  # a mutation
            return parts
        case Plant.COMMIT_BEFORE_LEARN:
            return replace(parts, source=source, store=lambda part: LateStore(parts.store(part), built))
        case _:
            return transactions.PLANTED[plant.value](parts)


def _everything(_: OnlineClusters, batch: Observations, __: Mapping[Partition, Position]) -> Observations:
    return batch
