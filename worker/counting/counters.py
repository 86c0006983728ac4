"""What is counted, and the protocol of the store that keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.records import Partition, Position


class Table(NamedTuple):
    """Counters that expire together, such as those of one hour.

    `ttl_seconds` counts from the last increment; 0 keeps them for ever.
    """

    name: str
    ttl_seconds: int = 0


class Counter(NamedTuple):
    """One count: a field of a table."""

    table: Table
    field: str


@dataclass(frozen=True, slots=True)
class Increments:
    """What messages add to counters; row i is one increment, and a message may have none or several.

    They must follow from the messages alone: whoever reads them again has to come to the same.
    """

    sources: Sequence[Partition]  # [rows], of the message
    offsets: NDArray[np.int64]  # [rows], of the message
    counters: Sequence[Counter]  # [rows]
    deltas: NDArray[np.int64]  # [rows]


@dataclass(frozen=True, slots=True)
class Guard:
    """What the store made of increments.

    Attributes:
        counted: whether they were added, and the mark moved.
        mark: where the store stands for that partition now; None where it has never counted it.
    """

    counted: bool
    mark: Position | None


class CounterStore(Protocol):
    """Counters behind a mark for each input partition: the first offset that is not counted yet.

    The counters commute, so workers never race for them. The mark moves in the same step as they do, so that a
    repetition is refused. Every method raises StoreUnavailable when the store does not answer or refuses the write.
    """

    def marks(self) -> Mapping[Partition, Position]:
        """The mark of every partition that was ever counted."""
        ...

    def add(
        self, partition: Partition, increments: Mapping[Counter, int], *, expected: Position | None, mark: Position
    ) -> Guard:
        """Add what a partition's messages count and move its mark, if that is where it is `expected`.

        Args:
            partition: of the input.
            increments: what its messages from the expected mark on up to the new one add; may be empty.
            expected: the mark as this worker knows it; None: never counted.
            mark: the new one.
        """
        ...

    def read(self, table: str) -> Mapping[str, int]:
        """All counts of a table; empty where nothing was counted or it has expired."""
        ...
