"""A batch as one struct of arrays: its rows, one column for whatever is known of them, and what of it was rejected."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.records import DeadLetter, Record

Values = TypeVar("Values", bound="Sequence[Any] | NDArray[Any]")


class Column(Generic[Values]):
    """What one array of a batch is called and holds; `textsieve.worker.columns` has those that stages share.

    Example:
        >>> length = Column[list[int]]("length")
        >>> Batch.of([Record("messages", 0, 7, None, b"hello", 0)]).with_columns(length.of([5]))[length]
        [5]
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def of(self, values: Values) -> "tuple[Column[Values], Values]":
        """This column with its values, one a row, as `Batch.with_columns` takes it."""
        return self, values


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one poll on their way through the stages; a stage returns another one and changes none.

    Attributes:
        polled: all of them, in the order they were read.
        records: those that are still to be answered with a result; row i of every column belongs to records[i].
        rejected: those that become dead letters. What is in neither was skipped, and gets no answer.
    """

    polled: Sequence[Record]
    records: Sequence[Record]
    rejected: Sequence[DeadLetter] = ()
    _columns: Mapping[Column[Any], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, polled: Sequence[Record]) -> "Batch":
        """A row for every message, of which nothing is known yet."""
        return cls(polled, polled)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, column: Column[Values]) -> Values:
        values: Values = self._columns[column]
        return values

    @property
    def skipped(self) -> int:
        """Messages that get no answer."""
        return len(self.polled) - len(self.records) - len(self.rejected)

    def with_columns(self, *columns: tuple[Column[Any], Any]) -> "Batch":
        """The batch with more columns, or with other values in those that it has.

        Raises:
            ValueError: a column has not one value a row.
        """
        for column, values in columns:
            if len(values) != len(self.records):
                raise ValueError(
                    f"column {column.name!r}: expected {len(self.records)} values, one a row, got {len(values)}"
                )
        return replace(self, _columns={**self._columns, **dict(columns)})

    def take(self, rows: Sequence[int], *, rejected: Iterable[DeadLetter] = ()) -> "Batch":
        """Only these rows, in ascending order; of the others some are rejected and the rest is skipped."""
        return Batch(
            self.polled,
            [self.records[row] for row in rows],
            [*self.rejected, *rejected],
            {column: _taken(values, rows) for column, values in self._columns.items()},
        )

    def first(self, count: int) -> "Batch":
        """The first rows, and of what was polled whatever came before the next one: time was short for the rest."""
        if count >= len(self.records):
            return self
        end = next(place for place, record in enumerate(self.polled) if record is self.records[count])
        answered = {id(record) for record in self.polled[:end]}
        kept = self.take(range(count))
        rejected = [letter for letter in self.rejected if id(letter.record) in answered]
        return replace(kept, polled=self.polled[:end], rejected=rejected)


def _taken(values: Any, rows: Sequence[int]) -> Any:
    if isinstance(values, np.ndarray):
        return values[np.asarray(rows, np.intp)]
    return [values[row] for row in rows]
