"""One worker's share in the common counters: count in memory, add at checkpoints, each message exactly once."""

from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import NamedTuple

from textsieve.worker.counting.counters import Counter, CounterStore, Increments
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Partition, Position

MAX_INCREMENTS = 1000  # of one call: the store answers nobody else meanwhile, for 20 ms at most
MAX_PENDING_ROWS = 500_000  # unless told otherwise; about 300 bytes each, 150 MB


class _Row(NamedTuple):
    offset: int
    counter: Counter
    delta: int


@dataclass(frozen=True, slots=True)
class Added:
    """What one `flush()` did."""

    rows: int = 0  # increments added
    repeated: int = 0  # left out, because the store had counted their messages already
    rolled_back: bool = False  # the store has forgotten what it had counted: read again from its marks


@dataclass(slots=True)
class GuardedCounters:
    """Holds increments of published messages until the store has them, and leaves out what it has already.

    Used as the clusters are: a stream starts no later than `marks`, `begin` forgets, `observe` remembers, `flush`
    publishes. A store that is away stops nothing; beyond the bound the oldest increments are given up.

    Attributes:
        max_pending_rows: increments held in memory.
    """

    store: CounterStore
    max_pending_rows: int = MAX_PENDING_ROWS
    _rows: dict[Partition, deque[_Row]] = field(default_factory=dict)  # in the order of offsets
    _finished: dict[Partition, int] = field(default_factory=dict)  # next offset, past messages without increments
    _starts: dict[Partition, Position] = field(default_factory=dict)
    _marks: dict[Partition, Position] = field(default_factory=dict)  # as the store last told them

    @property
    def has_pending(self) -> bool:
        """Whether a flush would tell the store anything."""
        return bool(self._finished)

    @property
    def pending_rows(self) -> int:
        """Increments held in memory."""
        return sum(map(len, self._rows.values()))

    def counted_up_to(self, partition: Partition) -> int:
        """The first offset of a partition being read that the store is not known to have counted.

        Whoever commits an offset beyond it has to remember this one too: where the store has no mark yet, nothing else
        says what is still to be counted.
        """
        return self._first_uncounted(partition)

    def marks(self) -> Mapping[Partition, Position]:
        """The first offset of each partition that is not counted: a stream must not start later.

        Falls back to what this worker knows while the store is away.
        """
        with suppress(StoreUnavailable):
            self._marks = dict(self.store.marks())
        return self._marks

    def begin(self, starts: Mapping[Partition, Position]) -> None:
        """Forget what was observed and not added: the stream starts again at `starts`."""
        self._rows.clear()
        self._finished.clear()
        self._starts = dict(starts)

    def observe(self, increments: Increments, finished: Mapping[Partition, int]) -> int:
        """Remember what published messages count until the next flush; memory only.

        Args:
            increments: of the messages of a batch, in the order of their offsets within a partition.
            finished: next offset of each partition of the batch.

        Returns:
            How many increments are given up: older ones, for which there is no room any more.
        """
        for source, offset, counter, delta in zip(
            increments.sources,
            increments.offsets.tolist(),
            increments.counters,
            increments.deltas.tolist(),
            strict=True,
        ):
            self._rows.setdefault(source, deque()).append(_Row(offset, counter, delta))
        self._finished.update(finished)
        return self._give_up(self.pending_rows - self.max_pending_rows)

    def flush(self) -> Added:
        """Add what was observed to the store, in calls of bounded size.

        Raises:
            StoreUnavailable: it does not answer; what was not added stays here.
        """
        added = repeated = 0
        for partition in list(self._finished):
            while partition in self._finished:
                repeated += self._leave_out_counted(partition)
                part, mark = self._next_part(partition)
                known = self._marks.get(partition)
                guard = self.store.add(partition, _summed(part), expected=known, mark=mark)
                if guard.counted:
                    added += len(part)
                    self._advance(partition, mark)
                elif guard.mark is None or self._misses(partition, guard.mark):
                    return Added(added, repeated, rolled_back=True)
                else:  # another owner was there before, or a call of this one that seemed to fail
                    self._marks[partition] = guard.mark
        return Added(added, repeated)

    def _leave_out_counted(self, partition: Partition) -> int:
        """Forget increments below the mark; returns how many."""
        rows, first = self._rows.setdefault(partition, deque()), self._first_uncounted(partition)
        before = len(rows)
        while rows and rows[0].offset < first:
            rows.popleft()
        return before - len(rows)

    def _next_part(self, partition: Partition) -> tuple[list[_Row], Position]:
        """What goes into one call, and the mark behind it."""
        rows, start = self._rows[partition], self._starts[partition]
        part = _cut(rows)
        if len(part) < len(rows):
            return part, Position(part[-1].offset + 1, start.topic_id)
        return part, Position(max(self._first_uncounted(partition), self._finished[partition]), start.topic_id)

    def _first_uncounted(self, partition: Partition) -> int:
        start, known = self._starts[partition], self._marks.get(partition)
        return known.offset if known is not None and known.topic_id == start.topic_id else start.offset

    def _advance(self, partition: Partition, mark: Position) -> None:
        self._marks[partition] = mark
        self._leave_out_counted(partition)
        if mark.offset >= self._finished[partition]:
            del self._finished[partition], self._rows[partition]

    def _misses(self, partition: Partition, found: Position) -> bool:
        """Whether there are messages that the store has not counted and this stream does not bring."""
        before = [mark for mark in (self._starts[partition], self._marks.get(partition)) if mark is not None]
        return any(found.topic_id == mark.topic_id and found.offset < mark.offset for mark in before)

    def _give_up(self, excess: int) -> int:
        """Let the oldest increments of the fullest partition go, whole messages of it, until there is room."""
        given_up = 0
        while given_up < excess:
            rows = max(self._rows.values(), key=len)
            before = len(rows)
            for _ in range(min(excess - given_up, before)):
                last = rows.popleft().offset
            while rows and rows[0].offset == last:
                rows.popleft()
            given_up += before - len(rows)
        return given_up


def _cut(rows: deque[_Row]) -> list[_Row]:
    """The increments of the first whole messages that fit into one call, at least of one message."""
    part = list(islice(rows, MAX_INCREMENTS + 1))
    if len(part) <= MAX_INCREMENTS:
        return part
    beyond = part.pop().offset
    return [row for row in part if row.offset < beyond] or list(takewhile(lambda row: row.offset == beyond, rows))


def _summed(rows: list[_Row]) -> Mapping[Counter, int]:
    sums: defaultdict[Counter, int] = defaultdict(int)
    for row in rows:
        sums[row.counter] += row.delta
    return sums
