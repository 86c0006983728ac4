"""The shared counters in memory."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from textsieve.worker.counting.counters import Counter, Guard
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Partition, Position


@dataclass(slots=True)
class MemoryCounterStore:
    """CounterStore in memory, with the same guard as the real one; its tables never expire."""

    away: bool = False  # True: every call raises StoreUnavailable
    tables: defaultdict[str, defaultdict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    _marks: dict[Partition, Position] = field(default_factory=dict)

    def marks(self) -> Mapping[Partition, Position]:
        """See CounterStore."""
        self._answer()
        return dict(self._marks)

    def add(
        self, partition: Partition, increments: Mapping[Counter, int], *, expected: Position | None, mark: Position
    ) -> Guard:
        """See CounterStore."""
        self._answer()
        held = self._marks.get(partition)
        if held != expected:
            return Guard(counted=False, mark=held)
        for (table, name), delta in increments.items():
            self.tables[table.name][name] += delta
        self._marks[partition] = mark
        return Guard(counted=True, mark=mark)

    def read(self, table: str) -> Mapping[str, int]:
        """See CounterStore."""
        self._answer()
        return dict(self.tables[table])

    def lose_marks(self) -> None:
        """Forget every mark, as a store does that was restored from nothing."""
        self._marks.clear()

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store in memory was told to be away")
