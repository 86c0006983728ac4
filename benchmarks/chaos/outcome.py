"""What an arena tells the runner, one JSON line each."""

import msgspec

from benchmarks.chaos.checker import Verdict


class Event(msgspec.Struct, frozen=True, tag=True):
    """One event.

    Attributes:
        kind: its name.
        stream: number of the stream it struck.
        unfinished: messages its victims held; 0 where the strike was missed, and the event does not count.
        recovery_seconds: from the strike until everything sent before it was answered and counted; None if never.
        repeated: answers that came a second time while it lasted.
        note: what else is worth knowing.
    """

    kind: str
    stream: int
    unfinished: int
    recovery_seconds: float | None
    repeated: int = 0
    note: str = ""

    @property
    def counts(self) -> bool:
        """Whether it struck unfinished work."""
        return self.unfinished > 0


class Judged(msgspec.Struct, frozen=True, tag=True):
    """One stream.

    Attributes:
        complaints: about workers that ended by themselves, or not as they should.
    """

    stream: int
    apart: bool
    verdict: Verdict
    seconds: float
    complaints: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The arena could not go on."""

    reason: str


Line = Event | Judged | Failed
