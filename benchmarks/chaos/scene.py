"""One stream under attack: who is there, what was struck when, and when all is well again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from benchmarks.chaos.control import Field
from benchmarks.chaos.crew import Crew
from benchmarks.chaos.errors import StrikeMissed
from benchmarks.chaos.feeder import Feeder
from benchmarks.chaos.follower import Follower
from benchmarks.chaos.surroundings import Surroundings
from textsieve.embedded.topics import Names

PATIENCE = 4  # times what would do without progress: one partition may stand still for ever while others go on


@dataclass(frozen=True, slots=True)
class Blow:
    """The moment of a strike.

    Attributes:
        at: monotonic seconds.
        ends: next offset of each partition of what had been sent.
        unfinished: messages that the struck workers held; never 0.
    """

    at: float
    ends: Mapping[int, int]
    unfinished: int


@dataclass(slots=True)
class Scene:
    """What a strike may touch.

    Attributes:
        session_seconds: the group's patience with a silent worker.
        blow: the last strike, once it has fallen.
        overdue: the strike saw that the others did not go on while they should.
    """

    around: Surroundings
    names: Names
    crew: Crew
    feeder: Feeder
    follower: Follower
    rng: Random
    session_seconds: float
    blow: Blow | None = field(default=None)
    overdue: bool = False

    def mark(self, unfinished: int) -> None:
        """The strike falls now."""
        self.blow = Blow(time.monotonic(), self.feeder.ends(), unfinished)

    def stretch(self) -> None:
        """The strike took effect only now: what was sent meanwhile must recover too."""
        self.blow = replace(self.struck, ends=self.feeder.ends())

    @property
    def struck(self) -> Blow:
        """The last strike.

        Raises:
            StrikeMissed: there was none.
        """
        if self.blow is None:
            raise StrikeMissed("nothing was struck")
        return self.blow

    def until(self, true: Callable[[], bool], *, seconds: float) -> bool:
        """Follow the answers until something is true; False if it does not become so in time."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                return False
            self.follower.look()
        return True

    def hold(self, seconds: float) -> None:
        """Let a fault last, and go on following."""
        self.until(lambda: False, seconds=seconds)

    def is_done(self, ends: Mapping[int, int]) -> bool:
        """Whether every message below these offsets is answered and counted."""
        return self.follower.is_answered(ends) and self.follower.is_counted(ends)

    def recovers(self, *, seconds: float) -> bool:
        """Wait until everything sent before the strike is answered and counted; False if it never is.

        Args:
            seconds: without progress; so many, it never is.
        """
        ends = self.struck.ends
        self._patiently(lambda: self.follower.has_hole or self.is_done(ends), seconds=seconds)
        return self.is_done(ends)

    def await_calm(self, *, seconds: float) -> None:
        """Wait until all workers take part and everything sent so far is answered and counted, or never will be.

        Args:
            seconds: without progress; so many, it never will be.
        """
        ends = self.feeder.ends()
        self._patiently(lambda: self._takes_part() and (self.follower.has_hole or self.is_done(ends)), seconds=seconds)

    def _patiently(self, true: Callable[[], bool], *, seconds: float) -> None:
        """Follow until something is true, `seconds` pass without a new answer, or PATIENCE times as many in all.

        A busy machine makes everything slow, and slow is not lost.
        """
        deadline = time.monotonic() + PATIENCE * seconds
        while time.monotonic() < deadline:
            before = self.follower.answers
            if self.until(true, seconds=min(seconds, max(0.0, deadline - time.monotonic()))):
                return
            if self.follower.answers == before:
                return

    def _takes_part(self) -> bool:
        self.crew.refill()
        return all(hand.remote.page[Field.BEGUN] > 0 for hand in self.crew.hands)
