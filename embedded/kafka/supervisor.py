"""Starts nodes again that ended, as whoever runs a cluster does."""

from collections.abc import Callable, Sequence
from typing import Protocol

AWAY_SECONDS = 15.0  # long enough to see what a cluster does without one of its brokers


class Startable(Protocol):
    """The part of a cluster that this needs."""

    @property
    def numbers(self) -> Sequence[int]:
        """Of the nodes."""

    def alive(self, number: int) -> bool:
        """Whether a node's process is there."""

    def launch(self, number: int) -> None:
        """Start a node without waiting for it."""


class Supervisor:
    """Looks at the nodes whenever it is asked to.

    Args:
        cluster: Whose nodes.
        say: Told of each that ended or is started again.
        clock: Seconds, monotonic.
    """

    def __init__(self, cluster: Startable, *, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._cluster, self._say, self._clock = cluster, say, clock
        self._away_since: dict[int, float] = {}

    def restart_ended(self) -> None:
        """Say which node has ended, and start it when it has been away for 15 s.

        Raises:
            StartFailed: It cannot be started.
        """
        now = self._clock()
        for number in self._cluster.numbers:
            if self._cluster.alive(number):
                self._away_since.pop(number, None)
            elif number not in self._away_since:
                self._away_since[number] = now
                self._say(f"node {number} ended; it is started again in {AWAY_SECONDS:.0f} s")
            elif now - self._away_since[number] >= AWAY_SECONDS:
                self._cluster.launch(number)
                self._say(f"node {number} starts again")
