"""One worker's share in the common clusters: assign at once, observe in memory, learn at checkpoints."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from textsieve.worker.clustering import minibatch
from textsieve.worker.clustering.centroids import (
    RESET,
    CentroidStore,
    PoolRows,
    SeedPool,
    Snapshot,
    is_behind,
    raise_watermarks,
)
from textsieve.worker.clustering.minibatch import Clustering
from textsieve.worker.clustering.pending import PendingRows
from textsieve.worker.clustering.progress import LearningProgress
from textsieve.worker.clustering.seeding import is_ready_to_seed, seeded_snapshot
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import NO_CLUSTER, Assignments, Embeddings, Observations, Partition, Position

if TYPE_CHECKING:  # as in worker.clustering.minibatch
    from sklearn.cluster import MiniBatchKMeans

MAX_ATTEMPTS = 20  # compare-and-set tries of one learn; with jitter, 8 workers needed 6 at most
MAX_PENDING_BYTES = 64 * 1024 * 1024  # unless told otherwise
RETRY_SECONDS = 0.02  # first pause after a lost race; grows linearly and is jittered


@dataclass(frozen=True, slots=True)
class Learned:
    """What one `learn()` did."""

    rows: int = 0  # newly counted, in the centroids or in the seed pool
    conflicts: int = 0  # races lost against other workers
    rolled_back: bool = False  # the store has forgotten what it knew: read again from its watermarks
    restored: bool = False  # the space was missing and a local copy was written back


def _nothing() -> None:
    """Nothing to prepare."""


@dataclass(slots=True)
class OnlineClusters:
    """Holds the last known snapshot and the rows that the store does not know yet.

    Every row carries its partition and offset, and the store keeps for every partition the first offset it has not
    learned. So a row is counted exactly once however often it is observed: below the watermark it is dropped.

    A store that is away stops nothing. What it does not know waits here; beyond its bound the oldest rows are
    given up, and the next learn raises the watermarks past them.

    Attributes:
        sleep: pauses between lost races, in seconds.
        max_pending_bytes: memory of rows that are not learned yet, beside those of one batch.
        prepare: called once, before scikit-learn is used: no start waits for its import.
    """

    store: CentroidStore
    space: ClusterSpace
    rng: Random
    sleep: Callable[[float], object]
    max_pending_bytes: int = MAX_PENDING_BYTES
    prepare: Callable[[], object] = field(default=_nothing)
    _snapshot: Snapshot | None = None
    _estimator: "MiniBatchKMeans | None" = None  # of the snapshot, restored when it is first asked
    _progress: LearningProgress = field(init=False)
    _pooled: bool = False  # the pool held rows when it was last looked at
    _compared: bool = True  # the stream starts where the store's watermarks were known

    def __post_init__(self) -> None:
        self._progress = LearningProgress(PendingRows(self.max_pending_bytes))

    @property
    def pending_bytes(self) -> int:
        """Memory held by rows that are not learned yet."""
        return self._progress.pending.bytes

    @property
    def snapshot(self) -> Snapshot | None:
        """The last snapshot seen, or None before seeding."""
        return self._snapshot

    @property
    def awaits_seed(self) -> bool:
        """Whether rows wait in the pool: time alone may make them enough, even if no message comes any more."""
        return self._pooled and self._snapshot is None

    @property
    def can_seed(self) -> bool:
        """Whether the rows held here are enough to seed the space: more of them would only make that slower."""
        return self._snapshot is None and self._progress.pending.rows >= self.space.seed_size

    @property
    def has_pending(self) -> bool:
        """Whether a learn would tell the store anything."""
        return bool(self._progress.pending.finished)

    def _prepare_once(self) -> None:
        prepare, self.prepare = self.prepare, _nothing
        prepare()

    def learned_up_to(self, partition: Partition) -> int:
        """The first offset of a partition being read that the store is not known to know, and that is not given up."""
        return self._progress.learned_up_to(partition)

    def assign(self, embeddings: Embeddings) -> Assignments:
        """The nearest shared centroid of every row, by the last snapshot seen; NO_CLUSTER before seeding."""
        if self._snapshot is None:
            rows = len(embeddings)
            return Assignments(np.full(rows, NO_CLUSTER, np.int64), np.zeros(rows, np.float32), 0)
        if self._estimator is None:
            self._prepare_once()
            self._estimator = minibatch.restore(Clustering(self._snapshot.centers, self._snapshot.counts))
        return minibatch.assign(self._estimator, embeddings, version=self._snapshot.version)

    def watermarks(self) -> Mapping[Partition, Position]:
        """The first offset of each partition that is still to be learned: a stream must not start later.

        Before seeding these are the watermarks of the pool. Falls back to what this worker knows while the store is
        away, and compares at the next learn.
        """
        progress, known = self._progress, self._snapshot
        self._compared = False
        progress.known = raise_watermarks(progress.known, progress.confirmed) if known is None else known.watermarks
        lost: set[Partition] = set()  # partitions of which the store, not yet seeded, has kept nothing
        with suppress(StoreUnavailable):
            revision = self._refresh()
            if known is not None and self._snapshot is None:
                self._after_loss(known, revision)
            progress.known = self._stored_marks()
            self._compared = True
            if self._snapshot is None and revision != RESET:
                lost = progress.confirmed.keys() - progress.known.keys()
        marks = {**progress.known, **{partition: progress.first[partition] for partition in lost}}
        return progress.after_skipped(marks)

    def begin(self, starts: Mapping[Partition, Position]) -> int:
        """Forget what was observed and not learned: the stream starts again at `starts`.

        Returns:
            How many messages are given up, because the stream starts behind what is to be learned next.
        """
        return self._progress.begin(starts, is_seeded=self._snapshot is not None, is_compared=self._compared)

    def observe(self, rows: Observations, finished: Mapping[Partition, int]) -> int:
        """Remember published results until the next learn; memory only.

        Args:
            rows: one per result.
            finished: next offset per partition, dead letters included.

        Returns:
            How many results are given up: older ones, for which there is no room any more.
        """
        watermarks = self._progress.known if self._snapshot is None else self._snapshot.watermarks
        return self._progress.observe(rows, finished, watermarks=watermarks)

    def learn(self) -> Learned:
        """Tell the store what was observed, exactly once, with the watermarks that say so.

        1. ask for the revision, load the snapshot if it moved;
        2. drop rows below its watermarks;
        3. add the rest to the centroids;
        4. write both back if nobody wrote in between, or begin again.

        Raises:
            StoreUnavailable: nothing was forgotten, try again later.
            ConfigurationError: the space belongs to another model, group or k.
        """
        for attempt in range(MAX_ATTEMPTS):
            learned = self._learn_once()
            if learned is not None:
                return replace(learned, conflicts=attempt)
            self.sleep(self.rng.uniform(0.5, 1.5) * RETRY_SECONDS * (attempt + 1))
        raise StoreUnavailable(
            f"lost {MAX_ATTEMPTS} races for the centroids in a row: too many workers share this space"
        )

    def _learn_once(self) -> Learned | None:
        known = self._snapshot
        revision = self._refresh()
        if known is not None and (self._snapshot is None or is_behind(self._snapshot.watermarks, known.watermarks)):
            return self._after_loss(known, revision)
        if not self._compared:
            if self._progress.starts_after(self._stored_marks()):
                return Learned(rolled_back=True)  # whoever learned now would raise the watermark past what is missed
            self._compared = True
        if self._snapshot is not None and is_behind(self._snapshot.watermarks, self._progress.confirmed):
            return Learned(rolled_back=True)
        if not (self.has_pending or self.awaits_seed):
            return Learned()
        if self._snapshot is None:
            return self._pool(revision)
        merged, rows = self._merged(self._snapshot)
        if not self.store.replace(merged, expected=revision):
            return None
        self._accept(merged)
        self._progress.settle()
        return Learned(rows)

    def _refresh(self) -> str | None:
        revision = self.store.revision()
        if self._snapshot is None or revision != self._snapshot.revision:
            self._accept(None if revision in (None, RESET) else self.store.load())
        return revision if self._snapshot is None else self._snapshot.revision

    def _stored_marks(self) -> Mapping[Partition, Position]:
        """The watermarks of the snapshot, or of the pool while there is none."""
        if self._snapshot is None:
            pool = self.store.pool()
            if pool is not None:
                return pool.watermarks
            self._refresh()  # seeded meanwhile
        return {} if self._snapshot is None else self._snapshot.watermarks

    def _accept(self, snapshot: Snapshot | None) -> None:
        self._snapshot, self._estimator = snapshot, None

    def _after_loss(self, known: Snapshot, revision: str | None) -> Learned | None:
        """The store knows less than it did: give it our copy if it has none, then read again from its watermarks."""
        if self._snapshot is not None or revision == RESET:
            return Learned(rolled_back=True)
        self._accept(known)  # or a store that does not answer now would find nobody who remembers
        copy = replace(known, revision=self._new_revision())
        if not self.store.replace(copy, expected=None):
            return None
        self._accept(copy)
        return Learned(rolled_back=True, restored=True)

    def _merged(self, snapshot: Snapshot) -> tuple[Snapshot, int]:
        """The snapshot with every pending row that it does not contain yet, and how many those are."""
        clustering, added = Clustering(snapshot.centers, snapshot.counts), 0
        for rows in self._progress.unlearned_batches(snapshot.watermarks):
            ids = rows.cluster_ids
            if (ids == NO_CLUSTER).any():  # published before the space was seeded
                ids = self.assign(rows.embeddings).cluster_ids
            clustering = minibatch.merge(clustering, rows.embeddings, ids, half_life=self.space.half_life)
            added += len(ids)
        merged = replace(
            snapshot,
            revision=self._new_revision(),
            version=snapshot.version + 1,
            learned=snapshot.learned + added,
            centers=clustering.centers,
            counts=clustering.counts,
            watermarks=raise_watermarks(snapshot.watermarks, self._progress.finished()),
        )
        return merged, added

    def _pool(self, revision: str | None) -> Learned | None:
        """Before there are centroids: put the rows where every worker finds them, and seed when there are enough."""
        batches = self._progress.pending.batches
        sources = tuple(
            (source, int(offset))
            for batch in batches
            for source, offset in zip(batch.sources, batch.offsets, strict=True)
        )
        embeddings = (
            np.concatenate([batch.embeddings for batch in batches]) if batches else np.empty((0, 0), np.float32)
        )
        pool = self.store.pool(PoolRows(sources, embeddings, self._progress.finished(), self._progress.confirmed))
        if pool is None:
            return None
        if pool.lost_rows:
            return Learned(rolled_back=True)
        self._progress.settle()
        self._pooled = len(pool.sources) > 0
        self._seed_if_ready(pool, revision)
        return Learned(len(sources))

    def _seed_if_ready(self, pool: SeedPool | None, revision: str | None) -> None:
        """Seed, and again from what the pool has then if rows came into it meanwhile, until somebody has.

        Nobody who is at it adds rows. So every worker spoils at most one seeding of the others, and one of them wins,
        however many they are and however long it takes.
        """
        while pool is not None and is_ready_to_seed(pool, self.space):
            if self._seed(pool, revision):
                return
            revision = self._refresh()
            pool = self.store.pool()

    def _seed(self, pool: SeedPool, revision: str | None) -> bool:
        self._prepare_once()
        random_state = self.rng.getrandbits(32)
        snapshot = seeded_snapshot(pool, self.space, revision=self._new_revision(), random_state=random_state)
        if not self.store.replace(snapshot, expected=revision, pool_revision=pool.revision):
            return False
        self._accept(snapshot)
        return True

    def _new_revision(self) -> str:
        return f"{self.rng.getrandbits(64):016x}"
