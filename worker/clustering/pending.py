"""Results that wait to be learned, within a bound: the oldest make room, and what they were is remembered."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from textsieve.worker.records import Observations, Partition, Position

ROW_BYTES = 64  # of a row beside its embedding


def row_bytes(dim: int) -> int:
    """Memory of one row."""
    return 4 * dim + ROW_BYTES


@dataclass(slots=True)
class PendingRows:
    """Rows of finished batches, oldest first.

    Attributes:
        max_bytes: beyond it the oldest batches go; the newest one stays, however large.
        finished: next offset of each partition, past dead letters and past what went.
    """

    max_bytes: int
    batches: deque[Observations] = field(default_factory=deque)
    finished: dict[Partition, int] = field(default_factory=dict)
    bytes: int = 0
    rows: int = 0

    def add(self, rows: Observations, finished: Mapping[Partition, int]) -> list[Observations]:
        """Keep a batch; returns those that had to go for it."""
        self.finished.update(finished)
        if len(rows.offsets):
            self.batches.append(rows)
            self._count(rows, 1)
        gone = []
        while self.bytes > self.max_bytes and len(self.batches) > 1:
            gone.append(self.batches.popleft())
            self._count(gone[-1], -1)
        return gone

    def clear(self) -> None:
        """Everything is learned, or will be read again."""
        self.batches.clear()
        self.finished.clear()
        self.bytes = self.rows = 0

    def _count(self, rows: Observations, sign: int) -> None:
        self.rows += sign * len(rows.offsets)
        self.bytes += sign * (rows.embeddings.nbytes + ROW_BYTES * len(rows.offsets))


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of a partition, from `first` up to `end`, that will never be learned."""

    first: int
    end: int
    topic_id: str


@dataclass(slots=True)
class SkippedOffsets:
    """What will never be learned, until the store's watermarks have passed it."""

    _gaps: dict[Partition, OffsetRange] = field(default_factory=dict)

    def add(self, partition: Partition, gap: OffsetRange) -> int:
        """Remember a gap; returns how many of its offsets were not in one before."""
        known = self._gaps.get(partition)
        fresh = max(0, gap.end - gap.first)
        if known is None or known.topic_id != gap.topic_id or known.end < gap.first or gap.end < known.first:
            self._gaps[partition] = gap
            return fresh
        self._gaps[partition] = OffsetRange(min(known.first, gap.first), max(known.end, gap.end), gap.topic_id)
        return max(0, fresh - max(0, min(known.end, gap.end) - max(known.first, gap.first)))

    def after(self, partition: Partition, mark: Position) -> Position:
        """Where to learn on from a watermark: behind the gap that begins there, or before it."""
        gap = self._gaps.get(partition)
        inside = gap is not None and gap.topic_id == mark.topic_id and gap.first <= mark.offset < gap.end
        return Position(gap.end, mark.topic_id) if gap is not None and inside else mark

    def drop_from(self, rows: Observations) -> Observations:
        """Those that are still to be learned: what was given up and is read again stays given up."""
        if not self._gaps:
            return rows
        gaps = (self._gaps.get(source) for source in rows.sources)
        ranges = np.asarray([(0, 0) if gap is None else (gap.first, gap.end) for gap in gaps], np.int64).reshape(-1, 2)
        inside = (ranges[:, 0] <= rows.offsets) & (rows.offsets < ranges[:, 1])  # [rows]
        return rows.where(~inside)

    def prune(self, marks: Mapping[Partition, Position]) -> None:
        """The store's watermarks are here now; what lies before them needs no remembering."""
        for partition, mark in marks.items():
            gap = self._gaps.get(partition)
            if gap is not None and (gap.topic_id != mark.topic_id or gap.end <= mark.offset):
                del self._gaps[partition]
