"""What the probes know about a running worker."""

from dataclasses import dataclass


@dataclass(slots=True)
class Health:
    """Written by the loop, read by the probes; plain assignments, so no lock is needed.

    Attributes:
        started: the model is loaded and the loop runs.
        last_turn: monotonic seconds of the loop's last turn.
        last_step: monotonic seconds of the last step inside a turn: texts tokenised, a device batch answered.
        joined: the consumer group has given this worker a place (with or without partitions).
        broker_ok: the last exchange with the broker succeeded.
        store_ok: the last exchange with the store succeeded.
        stopping: a graceful stop is under way.
    """

    started: bool = False
    last_turn: float = 0.0
    last_step: float = 0.0
    joined: bool = False
    broker_ok: bool = True
    store_ok: bool = True
    stopping: bool = False

    def alive(self, *, now: float, stuck_after_seconds: float) -> bool:
        """Whether the loop gets on, however long a turn takes.

        Says nothing about broker or store, whose absence a restart would not mend.
        """
        return not self.started or now - max(self.last_turn, self.last_step) < stuck_after_seconds

    def ready(self) -> bool:
        """Whether messages flow: joined, the broker answers, not stopping; without the store they flow all the same."""
        return self.started and self.joined and self.broker_ok and not self.stopping
