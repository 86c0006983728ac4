"""Mutants: workers that break the promise on purpose, so that the checker can be seen to notice.

Each is a mistake that a streaming worker is easily written with, and each must make a run exit 1: the first five with
the ledger (at_least_once), the others with transactions (exactly_once), on three nodes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, cast

from benchmarks.chaos import transaction_mutants
from benchmarks.chaos.wrapped import Wrapped
from textsieve.worker import app
from textsieve.worker.clustering.centroids import CentroidStore, PoolRows, SeedPool
from textsieve.worker.clustering.progress import LearningProgress
from textsieve.worker.records import Observations, Partition, Position
from textsieve.worker.streams import Poll, Published, Sink, Source


class Mutant(StrEnum):
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


COMMITS_EARLY = (Mutant.COMMIT_BEFORE_PUBLISH, Mutant.COMMIT_BEFORE_LEARN)


@dataclass(slots=True)
class MutantSource(Wrapped):
    """Remembers what was read, for the mutants that need it.

    Attributes:
        ignores_floor: begins at the committed offsets, whatever the clusters have learned: with the floor in place a
            commit that comes too early is mended at the next start.
        goes_on: after a dropped batch, goes on behind it, as a consumer does that nobody seeks back.
    """

    ignores_floor: bool = False
    goes_on: bool = False
    read: dict[Partition, int] = field(default_factory=dict)  # next offset of every partition owned

    def poll(self, *, max_records: int, timeout_seconds: float) -> Poll:
        """See Source."""
        polled: Poll = self.inner.poll(max_records=max_records, timeout_seconds=timeout_seconds)
        fresh = {
            source: [record for record in batch if record.offset >= self.read.get(source, 0)]
            for source, batch in polled.batches.items()
        }
        batches = {source: batch for source, batch in fresh.items() if batch}
        self.read.update({source: batch[-1].offset + 1 for source, batch in batches.items()})
        return replace(polled, batches=batches)

    def rewind(
        self, floor: Mapping[Partition, Position], *, unsure: Collection[Partition] = ()
    ) -> Mapping[Partition, Position]:
        """See Source."""
        starts = self.inner.rewind({} if self.ignores_floor else floor, unsure=unsure)
        kept = self.read if self.goes_on else {}
        self.read = {source: max(start.offset, kept.get(source, 0)) for source, start in starts.items()}
        return {source: start._replace(offset=self.read[source]) for source, start in starts.items()}


@dataclass(slots=True)
class EagerSink(Wrapped):
    """Commits a batch before it is published."""

    source: MutantSource

    def publish(self, **batch: Any) -> None:
        """See Sink."""
        self.source.commit(self.source.read)
        self.inner.publish(**batch)


class ForgetfulSink(Wrapped):
    """Takes the output log for empty."""

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        return {source: Published() for source in starts}


@dataclass(slots=True)
class LateStore(Wrapped):
    """Learns after the offsets are committed."""

    sources: Sequence[MutantSource]  # one, as soon as the worker has built it; it builds the store before

    def replace(self, *arguments: Any, **named: Any) -> bool:
        """See CentroidStore."""
        self._commit()
        return bool(self.inner.replace(*arguments, **named))

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        self._commit()
        pool: SeedPool | None = self.inner.pool(rows)
        return pool

    def _commit(self) -> None:
        for source in self.sources:
            source.commit(source.read)


def mutated(mutant: Mutant, parts: app.Overrides) -> app.Overrides:
    """The same parts, with one mistake among them."""
    built: list[MutantSource] = []

    def source(part: Source) -> Source:
        built.append(MutantSource(part, ignores_floor=mutant in COMMITS_EARLY, goes_on=mutant is Mutant.NO_SEEK_BACK))
        return parts.source(cast("Source", built[0]))

    match mutant:
        case Mutant.NONE:
            return parts
        case Mutant.COMMIT_BEFORE_PUBLISH:
            return replace(parts, source=source, sink=lambda part: cast("Sink", EagerSink(parts.sink(part), built[0])))
        case Mutant.LEDGER_NOT_READ:
            return replace(parts, sink=lambda part: cast("Sink", ForgetfulSink(parts.sink(part))))
        case Mutant.NO_SEEK_BACK:
            return replace(parts, source=source)
        case Mutant.WATERMARK_IGNORED:
            LearningProgress.unlearned = _everything  # type: ignore[method-assign,assignment]  # a mutation
            return parts
        case Mutant.COMMIT_BEFORE_LEARN:
            return replace(
                parts, source=source, store=lambda part: cast("CentroidStore", LateStore(parts.store(part), built))
            )
        case _:
            return transaction_mutants.MUTANTS[mutant.value](parts)


def _everything(_: LearningProgress, batch: Observations, __: Mapping[Partition, Position]) -> Observations:
    return batch
