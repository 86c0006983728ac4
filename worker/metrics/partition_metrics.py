"""The gauges that come and go with a worker's partitions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from textsieve.worker.metrics.metrics import Metrics
from textsieve.worker.records import Partition, Record

Batches = Mapping[Partition, Sequence[Record]]  # in offset order, none of them empty


@dataclass(slots=True)
class PartitionMetrics:
    """Lag in messages and in seconds, and who owns what; a partition that went leaves no series behind."""

    metrics: Metrics
    _owned: frozenset[Partition] = frozenset()
    _lag: dict[Partition, int] = field(default_factory=dict)
    _oldest_ms: dict[Partition, int] = field(default_factory=dict)  # timestamp of the oldest message not finished
    _aside: frozenset[Partition] = frozenset()
    _moved: bool = True  # the group has a new generation that was not begun with

    def reassigned(self) -> None:
        """The group has a new generation: nothing is known to be ours until `begin`."""
        self._moved = True
        self._forget()

    def begin(self, owned: Iterable[Partition]) -> None:
        """These partitions are read from now on, by a new generation or once more after a fault."""
        before, self._owned = self._owned, frozenset(owned)
        self._forget()
        if self._moved and self._owned:
            self.metrics.rebalances.labels("assigned").inc()
        if before - self._owned:
            self.metrics.rebalances.labels("revoked").inc()
        self._moved = False
        self.metrics.assigned.set(len(self._owned))

    def polled(self, batches: Batches, lag: Mapping[Partition, int], *, now: float) -> None:
        """Messages were read; `lag` is what is left after them."""
        self._oldest_ms.update({source: batch[0].timestamp_ms for source, batch in batches.items()})
        self._lag.update(lag)
        for partition, messages in lag.items():
            self.metrics.lag.labels(*partition).set(messages)
            if not messages and not batches:
                self._oldest_ms.pop(partition, None)
        self._age(now)

    def aside(self, partitions: Iterable[Partition]) -> None:
        """These are owned and not read at present."""
        now = frozenset(partitions)
        if now != self._aside:
            self._aside = now
            self.metrics.aside.clear()
            for partition in now:
                self.metrics.aside.labels(*partition).set(1)

    def finished(self, batches: Batches, *, now: float) -> None:
        """Messages were answered: what is oldest now is younger than the last of them."""
        self._oldest_ms.update({source: batch[-1].timestamp_ms for source, batch in batches.items()})
        for partition in [partition for partition, messages in self._lag.items() if not messages]:
            self._oldest_ms.pop(partition, None)
        self._age(now)

    def _age(self, now: float) -> None:
        for partition in self._lag:
            oldest_ms = self._oldest_ms.get(partition)
            seconds = 0.0 if oldest_ms is None else max(0.0, now - oldest_ms / 1000)
            self.metrics.lag_seconds.labels(*partition).set(seconds)

    def _forget(self) -> None:
        self._lag.clear()
        self._oldest_ms.clear()
        self.metrics.lag.clear()
        self.metrics.lag_seconds.clear()
        self.metrics.assigned.set(0)
