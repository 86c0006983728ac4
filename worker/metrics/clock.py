"""Where the loop's time goes."""

from dataclasses import dataclass

from textsieve.worker.metrics.metrics import Metrics


@dataclass(slots=True)
class LoopClock:
    """Adds the time since the last event to what was done in it."""

    metrics: Metrics
    _since: float | None = None  # monotonic seconds of the last event

    def spent(self, state: str, *, now: float) -> None:
        """Everything since the last event was `poll`, `work` or `idle`.

        Args:
            state: what the loop did.
            now: monotonic seconds.
        """
        if self._since is not None:
            self.metrics.busy.labels(state).inc(max(0.0, now - self._since))
        self._since = now
