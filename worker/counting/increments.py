"""What the stages of a pipeline count, as a column says it, and the rows that the store is told."""

from collections.abc import Sequence
from itertools import repeat
from typing import Protocol, runtime_checkable

import numpy as np

from textsieve.worker.batch import Batch, Column
from textsieve.worker.counting.counters import Counter, Increments
from textsieve.worker.records import Partition

Counts = Sequence[tuple[Counter, int]]  # what one message adds, to counters of its stage


@runtime_checkable
class CountingStage(Protocol):
    """A stage whose messages add to counters in the store: each one exactly once, when its result counts.

    They should follow from the message and from what the stage knows of it for good, so that whoever reads it again
    comes to the same. Where they follow from a worker's memory, a message that two workers read counts once all the
    same, but maybe as the one said whose result was not published.
    """

    @property
    def counts(self) -> Column[Sequence[Counts]]:
        """The column of what each row adds, among those that the stage gives."""
        ...


def increments_of(batch: Batch, columns: Sequence[Column[Sequence[Counts]]]) -> Increments:
    """What the rows of a batch add, in the order of their offsets within a partition."""
    sources: list[Partition] = []
    offsets: list[int] = []
    counters: list[Counter] = []
    deltas: list[int] = []
    if len(batch):
        for record, *counted in zip(batch.records, *(batch[column] for column in columns), strict=True):
            for counts in counted:
                sources.extend(repeat(record.source, len(counts)))
                offsets.extend(repeat(record.offset, len(counts)))
                counters.extend(counter for counter, _ in counts)
                deltas.extend(delta for _, delta in counts)
    return Increments(sources, np.asarray(offsets, np.int64), counters, np.asarray(deltas, np.int64))
