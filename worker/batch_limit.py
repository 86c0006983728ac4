"""How many messages one iteration takes: bounded in time by the measured rate, halved after drops."""

from dataclasses import dataclass

FIRST_BATCH = 64  # before anything was measured: small enough for the slowest model within a session
SMOOTHING = 0.3  # weight of the newest iteration in the measured rate


@dataclass(slots=True)
class AdaptiveBatchLimit:
    """Adapts the batch limit.

    Attributes:
        max_records: never more than this.
        max_seconds: an iteration should not take longer.
    """

    max_records: int
    max_seconds: float
    _rate: float | None = None  # messages per second
    _after_drops: int | None = None  # set by drops, lifted by checkpoints

    def limit(self) -> int:
        """Messages the next iteration may take, at least 1."""
        by_time = FIRST_BATCH if self._rate is None else int(self._rate * self.max_seconds)
        return max(1, min(self.max_records, by_time, self._after_drops or self.max_records))

    def finished(self, *, messages: int, seconds: float, short_of_time: bool = False) -> None:
        """Learn from an iteration that published.

        Args:
            messages: answered.
            seconds: from the first to the last step.
            short_of_time: more messages were given, and no time was left for them: the rate has changed, it does not
                only waver.
        """
        rate = messages / max(seconds, 1e-6)
        known = rate if self._rate is None or short_of_time else self._rate
        self._rate = known + SMOOTHING * (rate - known)

    def dropped(self) -> bool:
        """Halve the limit after a drop; True if it had come down to a single message already."""
        was_single = self._after_drops == 1
        self._after_drops = max(1, self.limit() // 2)
        return was_single

    def committed(self) -> None:
        """Allow twice as much again."""
        if self._after_drops is not None:
            doubled = self._after_drops * 2
            self._after_drops = None if doubled >= self.max_records else doubled
