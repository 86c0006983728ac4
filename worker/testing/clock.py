"""A clock that is set by hand."""

from dataclasses import dataclass


@dataclass(slots=True)
class ManualClock:
    """Time that moves only when told, in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        """The present."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
