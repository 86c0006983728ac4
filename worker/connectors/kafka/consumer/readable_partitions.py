"""Which of the assigned partitions are read: not those whose results have no place, nor those that are set aside."""

from dataclasses import dataclass
from typing import Any

import structlog

from textsieve.worker.connectors.kafka.consumer.paused_partitions import (
    NO_LEADER_SECONDS,
    PausedPartitions,
    leaderless,
)


@dataclass(slots=True)
class ReadablePartitions:
    """Pauses the client's partitions that are not to be read.

    Attributes:
        consumer: kafka-python's.
        count: partitions with a higher number have no place for their results.
        aside: those that are sick.
    """

    consumer: Any
    count: int
    aside: PausedPartitions
    log: structlog.stdlib.BoundLogger
    _refused: frozenset[Any] = frozenset()
    _all_paused: bool = False

    def select(self) -> list[Any]:
        """Those to read of the assignment in force; the others are paused, and the operator is told."""
        assigned = self.consumer.assignment()
        refused = frozenset(tp for tp in assigned if tp.partition >= self.count)
        if refused - self._refused:
            self.log.error(
                "input partitions were added while running: they are paused. Give the output and dead-letter topics as"
                " many partitions as the input, then restart the workers",
                partitions=sorted(f"{tp.topic}/{tp.partition}" for tp in refused),
            )
        self._refused = refused
        self.aside.keep(assigned)
        if orphaned := leaderless(self.consumer._cluster, assigned - refused - self.aside.partitions):  # noqa: SLF001
            self.aside.add(orphaned, reason="it has no leader", seconds=NO_LEADER_SECONDS)
        for partition in refused | self.aside.partitions:
            self.consumer.pause(partition)
            self.consumer.seek(partition, 0)  # any position will do: without one, every poll would complain
        readable = sorted(assigned - refused - self.aside.partitions)
        if not self._all_paused:
            self.consumer.resume(*readable)  # those, too, that have just returned
        return readable

    def pause_all(self, *, wanted: bool) -> None:
        """Read nothing for now, or go on."""
        readable: set[Any] = self.consumer.assignment() - self._refused - self.aside.partitions
        if wanted:
            self.consumer.pause(*readable)
        elif self._all_paused:
            self.consumer.resume(*readable)
        self._all_paused = wanted
