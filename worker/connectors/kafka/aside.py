"""Partitions that are set aside for a while, so that one that is sick does not stop the others."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from worker.records import Partition

NO_LEADER_SECONDS = 5.0  # an election takes less; somebody's repair takes longer, and is asked for again and again
UNREADABLE_SECONDS = 60.0  # nothing but an operator mends such a record: look seldom, and return by itself
_NOBODY = -1  # as the client's metadata say that a partition has no leader; None is one that they do not know


@dataclass(slots=True)
class AsidePartitions:
    """Which partitions are set aside, why, and until when.

    Attributes:
        clock: monotonic seconds.
    """

    log: structlog.stdlib.BoundLogger
    clock: Callable[[], float] = time.monotonic
    _until: dict[Any, float] = field(default_factory=dict)
    _reasons: dict[Any, str] = field(default_factory=dict)  # of those that did not come back well since

    @property
    def partitions(self) -> frozenset[Any]:
        """Those that are not to be read now."""
        return frozenset(self._until)

    @property
    def reasons(self) -> Mapping[Partition, str]:
        """Why each of them is set aside."""
        return {Partition(*partition): self._reasons[partition] for partition in self._until}

    def add(self, partitions: Collection[Any], *, reason: str, seconds: float) -> None:
        """Set some aside; one line in the log where that is news."""
        for partition in partitions:
            self._until[partition] = self.clock() + seconds
            if self._reasons.get(partition) != reason:
                self._reasons[partition] = reason
                self.log.error(
                    "a partition is set aside, the others go on; it returns by itself when what ails it is over",
                    partition=f"{partition.topic}/{partition.partition}",
                    reason=reason,
                )

    def has_returned(self) -> bool:
        """Whether the time of some is over: they may be tried again."""
        now = self.clock()
        back = [partition for partition, until in self._until.items() if until <= now]
        for partition in back:
            del self._until[partition]
        return bool(back)

    def well(self, partitions: Collection[Any]) -> None:
        """Messages of these were read: what ailed them is over."""
        for partition in [partition for partition in partitions if partition in self._reasons]:
            if partition not in self._until:
                del self._reasons[partition]
                self.log.warning(
                    "a partition that was set aside is read again",
                    partition=f"{partition.topic}/{partition.partition}",
                )

    def keep(self, owned: Collection[Any]) -> None:
        """Forget those that belong to somebody else now."""
        for known in (self._until, self._reasons):
            for partition in known.keys() - set(owned):
                del known[partition]


def without_leader(cluster: Any, partitions: Collection[Any]) -> list[Any]:
    """Those that nobody leads, as far as the client's metadata say."""
    return [partition for partition in partitions if cluster.leader_for_partition(partition) == _NOBODY]
