"""Partitions that are set aside for a while, so that one that is sick does not stop the others."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from textsieve.worker.records import Partition

NO_LEADER_SECONDS = 1.0  # a new topic or an election takes as long; a repair takes longer, and is asked for again
UNREADABLE_SECONDS = 60.0  # nothing but an operator mends such a record: look seldom, and return by itself
MAX_SECONDS = 15.0  # the time doubles with every try in vain, for each makes the others begin again; up to this
CALM_SECONDS = 10.0  # after its return, before a partition that is read counts as well: its answers may still fail
_NOBODY = -1  # as the client's metadata say that a partition has no leader; None is one that they do not know


@dataclass(frozen=True, slots=True)
class _Pause:
    """What ails a partition.

    Attributes:
        until: monotonic seconds when it may be tried again.
        times: as often was it set aside since it was well.
    """

    reason: str
    until: float
    times: int


@dataclass(slots=True)
class PausedPartitions:
    """Which partitions are set aside, why, and until when.

    Attributes:
        clock: monotonic seconds.
    """

    log: structlog.stdlib.BoundLogger
    clock: Callable[[], float] = time.monotonic
    _paused: set[Any] = field(default_factory=set)
    _pauses: dict[Any, _Pause] = field(default_factory=dict)  # those that are out, and those that may not be well yet

    @property
    def partitions(self) -> frozenset[Any]:
        """Those that are not to be read now."""
        return frozenset(self._paused)

    @property
    def reasons(self) -> Mapping[Partition, str]:
        """Why each of them is set aside."""
        return {Partition(*partition): self._pauses[partition].reason for partition in self._paused}

    def add(self, partitions: Collection[Any], *, reason: str, seconds: float) -> None:
        """Set some aside, for longer each time; one line in the log where that is news."""
        for partition in partitions:
            before = self._pauses.get(partition)
            times = 0 if before is None else before.times
            wait = min(seconds * 2.0 ** min(times, 10), max(seconds, MAX_SECONDS))
            self._paused.add(partition)
            self._pauses[partition] = _Pause(reason, self.clock() + wait, times + 1)
            if before is None or before.reason != reason:
                self.log.error(
                    "a partition is set aside, the others go on; it returns by itself when what ails it is over",
                    partition=f"{partition.topic}/{partition.partition}",
                    reason=reason,
                )

    def has_returned(self) -> bool:
        """Whether the time of some is over: they may be tried again."""
        now = self.clock()
        back = {partition for partition in self._paused if self._pauses[partition].until <= now}
        self._paused -= back
        return bool(back)

    def well(self, partitions: Collection[Any]) -> None:
        """Messages of these were read; what ailed them is over if they have not been set aside for a while since."""
        now = self.clock()
        for partition in self._pauses.keys() - self._paused:
            if partition in partitions and now - self._pauses[partition].until >= CALM_SECONDS:
                del self._pauses[partition]
                self.log.warning(
                    "a partition that was set aside is well again",
                    partition=f"{partition.topic}/{partition.partition}",
                )

    def keep(self, owned: Collection[Any]) -> None:
        """Forget those that belong to somebody else now."""
        for partition in self._pauses.keys() - set(owned):
            del self._pauses[partition]
        self._paused &= self._pauses.keys()


def leaderless(cluster: Any, partitions: Collection[Any]) -> list[Any]:
    """Those that nobody leads, as far as the client's metadata say."""
    return [partition for partition in partitions if cluster.leader_for_partition(partition) == _NOBODY]
