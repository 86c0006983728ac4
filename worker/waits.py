"""A wait as the log tells it: once when it has become long, then every now and then until it is over."""

from dataclasses import dataclass

import structlog

LONG_SECONDS = 3.0  # a rebalance among healthy workers is over by then
AGAIN_SECONDS = 10.0


@dataclass(slots=True)
class Wait:
    """For one thing that may be waited for again and again; times are seconds of one clock.

    Attributes:
        waiting: what the log says meanwhile.
        over: what it says at the end, if it said anything before.
        long_seconds: shorter waits are not worth a line.
    """

    log: structlog.stdlib.BoundLogger
    waiting: str
    over: str
    long_seconds: float = LONG_SECONDS
    _since: float | None = None
    _told: float | None = None

    def goes_on(self, now: float, **details: object) -> None:
        """It is waited still; `details` stand in the line, if one is due."""
        if self._since is None:
            self._since = now
        due = self._since + self.long_seconds if self._told is None else self._told + AGAIN_SECONDS
        if now >= due:
            self._told = now
            self.log.warning(self.waiting, waited_seconds=round(now - self._since), **details)

    def ends(self, now: float) -> None:
        """What was waited for is there; without a wait nothing happens."""
        if self._since is not None and self._told is not None:
            self.log.warning(self.over, waited_seconds=round(now - self._since))
        self._since = self._told = None
