"""What a runner tells the main process, one JSON line each."""

import msgspec

from benchmarks.chaos.checker import Verdict


class FaultReport(msgspec.Struct, frozen=True, tag=True):
    """One event.

    Attributes:
        fault: its name.
        stream: number of its stream.
        unfinished: messages its victims held; 0 where it was missed, and the event does not count.
        recovery_seconds: from the injection until everything sent before it was answered and counted; None if never.
        repeated: answers that came a second time while it lasted.
        note: what else is worth knowing.
    """

    fault: str
    stream: int
    unfinished: int
    recovery_seconds: float | None
    repeated: int = 0
    note: str = ""

    @property
    def counts(self) -> bool:
        """Whether it met unfinished work."""
        return self.unfinished > 0


class StreamReport(msgspec.Struct, frozen=True, tag=True):
    """One stream.

    Attributes:
        worker_errors: about workers that ended by themselves, or not as they should.
    """

    stream: int
    apart: bool
    verdict: Verdict
    seconds: float
    worker_errors: tuple[str, ...] = ()


class RunnerFailed(msgspec.Struct, frozen=True, tag=True):
    """The runner could not go on."""

    reason: str


Report = FaultReport | StreamReport | RunnerFailed
