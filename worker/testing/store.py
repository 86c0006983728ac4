"""The shared centroids in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from textsieve.worker.clustering.centroids import PoolRows, SeedPool, Snapshot, is_behind, raise_watermarks
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.testing.clock import ManualClock


@dataclass(slots=True)
class MemoryCentroidStore:
    """CentroidStore in memory, with the same compare-and-set as the real one."""

    clock: Callable[[], float] = field(default_factory=ManualClock)
    away: bool = False  # True: every call raises StoreUnavailable
    snapshot: Snapshot | None = None
    emptied: bool = False
    _pool: SeedPool | None = None
    _pooled_since: float = 0.0
    _pooled_last: float = 0.0
    _pool_writes: int = 0

    def revision(self) -> str | None:
        """See CentroidStore."""
        self._answer()
        if self.snapshot is None:
            return "reset" if self.emptied else None
        return self.snapshot.revision

    def load(self) -> Snapshot | None:
        """See CentroidStore."""
        self._answer()
        return self.snapshot

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        """See CentroidStore."""
        self._answer()
        if self.revision() != expected:
            return False
        if pool_revision is not None:
            if ("" if self._pool is None else self._pool.revision) != pool_revision:
                return False
            self._pool = None
        self.snapshot = snapshot
        return True

    def pool(self, rows: PoolRows | None = None) -> SeedPool | None:
        """See CentroidStore."""
        self._answer()
        if self.snapshot is not None:
            return None
        held = self._pool or SeedPool("", (), np.empty((0, 0), np.float32), {}, 0.0)
        if rows is not None and is_behind(held.watermarks, rows.confirmed):
            return replace(held, lost_rows=True)
        if rows is not None and rows.watermarks:
            self._pooled_last = self.clock()
            if self._pool is None:
                self._pooled_since = self._pooled_last
            table = dict(zip(held.sources, held.embeddings, strict=True)) | dict(
                zip(rows.sources, rows.embeddings, strict=True)
            )
            self._pool_writes += 1
            sources = tuple(sorted(table))
            held = SeedPool(
                revision=str(self._pool_writes),
                sources=sources,
                embeddings=np.asarray([table[source] for source in sources], np.float32),
                watermarks=raise_watermarks(held.watermarks, rows.watermarks),
                age_seconds=0.0,
            )
            self._pool = held
        if not held.sources:
            return held
        now = self.clock()
        return replace(held, age_seconds=now - self._pooled_since, idle_seconds=now - self._pooled_last)

    def reset(self) -> None:
        """Empty the space on purpose."""
        self._answer()
        self.snapshot, self._pool, self.emptied = None, None, True

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store in memory was told to be away")
