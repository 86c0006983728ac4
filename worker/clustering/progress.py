"""What a worker knows of the offsets that are learned, given up or still to be learned, partition by partition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from textsieve.worker.clustering.centroids import raise_watermarks
from textsieve.worker.clustering.pending import OffsetRange, PendingRows, SkippedOffsets
from textsieve.worker.records import Observations, Partition, Position


@dataclass(slots=True)
class LearningProgress:
    """Rows that wait to be learned, between where the stream started and what the store has confirmed.

    Attributes:
        pending: rows that the store does not know yet.
        starts: where the stream starts.
        known: watermarks of the store when it was last asked where to start.
        confirmed: what the store has told us that it knows.
        first: where this worker first began, until the space is seeded.
    """

    pending: PendingRows
    starts: dict[Partition, Position] = field(default_factory=dict)
    known: Mapping[Partition, Position] = field(default_factory=dict)
    confirmed: dict[Partition, Position] = field(default_factory=dict)
    first: dict[Partition, Position] = field(default_factory=dict)
    _skipped: SkippedOffsets = field(default_factory=SkippedOffsets)

    def begin(self, starts: Mapping[Partition, Position], *, is_seeded: bool, is_compared: bool) -> int:
        """The stream starts again here: what was observed and not learned is forgotten.

        Args:
            starts: where.
            is_seeded: whether there are centroids.
            is_compared: whether the starts were chosen by the store's watermarks.

        Returns:
            How many messages are given up, because the stream starts behind what is to be learned next.
        """
        self.pending.clear()
        self.starts = dict(starts)
        skipped = self._skip_before(starts) if is_compared else 0
        self.first = {} if is_seeded else {**starts, **self.first}
        self.confirmed = {
            partition: min(start, self.known[partition])
            for partition, start in starts.items()
            if partition in self.known and self.known[partition].topic_id == start.topic_id
        }
        return skipped

    def observe(
        self, rows: Observations, finished: Mapping[Partition, int], *, watermarks: Mapping[Partition, Position]
    ) -> int:
        """Keep rows until they are learned.

        Args:
            rows: one per result.
            finished: next offset per partition, dead letters included.
            watermarks: of the snapshot in use.

        Returns:
            How many results are given up: older ones, for which there is no room any more.
        """
        gone = self.pending.add(self._skipped.drop_from(rows), finished)
        return sum(self._skip(batch, watermarks) for batch in gone)

    def learned_up_to(self, partition: Partition) -> int:
        """The first offset of a partition being read that the store is not known to know, and that is not given up."""
        return self._skipped.after(partition, self.confirmed.get(partition, self.starts[partition])).offset

    def after_skipped(self, marks: Mapping[Partition, Position]) -> dict[Partition, Position]:
        """Where to learn on from these watermarks: behind what is given up."""
        return {partition: self._skipped.after(partition, mark) for partition, mark in marks.items()}

    def starts_after(self, marks: Mapping[Partition, Position]) -> bool:
        """Whether the stream started after a watermark: rows between the two would never be learned."""
        marks = self.after_skipped(marks)
        return any(
            partition in marks
            and marks[partition].topic_id == start.topic_id
            and marks[partition].offset < start.offset
            for partition, start in self.starts.items()
        )

    def finished(self) -> dict[Partition, Position]:
        """Watermarks of what was finished here."""
        return {
            partition: Position(offset, self.starts[partition].topic_id)
            for partition, offset in self.pending.finished.items()
        }

    def settle(self) -> None:
        """The store has confirmed everything that was observed."""
        self.confirmed |= self.finished()
        self._skipped.prune(self.confirmed)
        self.pending.clear()

    def unlearned_batches(self, marks: Mapping[Partition, Position]) -> Iterator[Observations]:
        """The rows of each pending batch that these watermarks do not cover; batches of which none is left are not."""
        for batch in self.pending.batches:
            rows = self.unlearned(batch, marks)
            if len(rows.offsets):
                yield rows

    def unlearned(self, batch: Observations, marks: Mapping[Partition, Position]) -> Observations:
        """The rows of a batch that these watermarks do not cover."""
        floor = {
            partition: marks[partition].offset
            for partition, start in self.starts.items()
            if partition in marks and marks[partition].topic_id == start.topic_id
        }
        if not floor:
            return batch
        return batch.where(batch.offsets >= np.asarray([floor.get(source, 0) for source in batch.sources], np.int64))

    def _skip_before(self, starts: Mapping[Partition, Position]) -> int:
        """Remember what lies between the watermarks and the starts; returns how many messages were not given up yet."""
        marks, count = self.after_skipped(self.known), 0
        for partition, start in starts.items():
            mark = marks.get(partition)
            if mark is not None and mark.topic_id == start.topic_id and mark.offset < start.offset:
                count += self._skipped.add(partition, OffsetRange(mark.offset, start.offset, start.topic_id))
                self.pending.finished[partition] = start.offset
        return count

    def _skip(self, batch: Observations, watermarks: Mapping[Partition, Position]) -> int:
        """Remember that these rows will never be learned; returns how many of them had not been."""
        marks = raise_watermarks(watermarks, self.confirmed)
        rows = self.unlearned(batch, marks)
        ends = dict(zip(rows.sources, (rows.offsets + 1).tolist(), strict=True))  # the last of each partition
        for partition, end in ends.items():
            start, mark = self.starts[partition], marks.get(partition)
            first = max(start, mark) if mark is not None and mark.topic_id == start.topic_id else start
            self._skipped.add(partition, OffsetRange(first.offset, end, start.topic_id))
        return len(rows.offsets)
