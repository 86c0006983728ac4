"""The state of a cluster space and the protocol of the store that shares it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.records import Embeddings, Partition, Position

Centers = NDArray[np.float32]  # [k, dim]
Counts = NDArray[np.float64]  # [k], decayed mass where a half life is set

RESET: Final = "reset"  # the revision of a space that an operator emptied on purpose: never restored from a copy


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Centroids and the watermarks that say which messages they already contain, always read and written together."""

    revision: str  # random at every write; what a writer compares
    version: int  # grows by one at every write; for people
    model: str  # fingerprint of the embedding space
    group: str  # the consumer group whose offsets the watermarks follow
    learned: int  # results counted since seeding, exact, never decayed
    centers: Centers
    counts: Counts
    watermarks: Mapping[Partition, Position] = field(default_factory=dict)  # first offset not yet learned


@dataclass(frozen=True, slots=True)
class SeedPool:
    """Embeddings gathered by all workers until there are enough to seed."""

    revision: str  # random at every write, "" while nothing was pooled
    sources: tuple[tuple[Partition, int], ...]  # [rows] (partition, offset)
    embeddings: Embeddings  # [rows, dim]
    watermarks: Mapping[Partition, Position]
    age_seconds: float  # since the first row was pooled
    idle_seconds: float = 0.0  # since anything was pooled
    lost_rows: bool = False  # it holds less than it had confirmed (`PoolRows.confirmed`): nothing was added


def raise_watermarks(
    known: Mapping[Partition, Position], finished: Mapping[Partition, Position]
) -> dict[Partition, Position]:
    """What is known after more was finished; in one life of a topic a watermark never falls."""
    marks = dict(known)
    for partition, mark in finished.items():
        before = known.get(partition)
        if before is None or before.topic_id != mark.topic_id or before.offset < mark.offset:
            marks[partition] = mark
    return marks


def is_behind(marks: Mapping[Partition, Position], confirmed: Mapping[Partition, Position]) -> bool:
    """Whether a store knows less than it once confirmed; another life of a topic starts anew."""
    return any(
        partition not in marks or (marks[partition].topic_id == mark.topic_id and marks[partition].offset < mark.offset)
        for partition, mark in confirmed.items()
    )


class CentroidStore(Protocol):
    """Where all workers of a cluster space meet; every write is a compare-and-set on a revision.

    Every method raises StoreUnavailable when the store does not answer or refuses the write. Loading raises
    ConfigurationError when what is stored was written by another model, group, k or format.
    """

    def revision(self) -> str | None:
        """The current revision, None where the space does not exist, or RESET; cheap, asked at every checkpoint."""
        ...

    def load(self) -> Snapshot | None:
        """The current snapshot, or None while the space is not seeded (absent or RESET)."""
        ...

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """Write `snapshot` if the stored revision still is `expected`; None means that the space does not exist.

        With `pool_revision` the seed pool must also still have that revision ("": nothing is pooled), and is deleted in
        the same step.

        Returns:
            False if somebody else was faster: load again and merge again.
        """
        ...

    def pool(self, rows: "PoolRows | None" = None) -> SeedPool | None:
        """Add rows to the seed pool durably, raise its watermarks, then return the whole pool.

        A worker that repeats pooled rows in smaller steps must not lower a watermark: the rows above it are pooled.
        Where the pool holds less than `rows.confirmed`, nothing is added: a watermark above a gap would hide it.

        Returns:
            None if the space has been seeded: nothing was added, learn the rows as ordinary observations.
        """
        ...


@dataclass(frozen=True, slots=True)
class PoolRows:
    """What one worker adds to the seed pool: a repeat of the same partition and offset overwrites itself."""

    sources: tuple[tuple[Partition, int], ...]
    embeddings: Embeddings
    watermarks: Mapping[Partition, Position]
    confirmed: Mapping[Partition, Position] = field(default_factory=dict)  # what the pool must still hold
