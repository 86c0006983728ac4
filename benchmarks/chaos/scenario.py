"""One stream and its faults: who is there, what was injected when, and when all is well again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from benchmarks.chaos.control import Field
from benchmarks.chaos.errors import FaultMissed
from benchmarks.chaos.load import LoadGenerator
from benchmarks.chaos.monitor import Monitor
from benchmarks.chaos.services import Services
from benchmarks.chaos.workers import Workers
from textsieve.embedded.topics import Names

PATIENCE = 4  # times what would do without progress: one partition may stand still for ever while others go on


@dataclass(frozen=True, slots=True)
class Injection:
    """The moment of a fault.

    Attributes:
        at: monotonic seconds.
        ends: next offset of each partition of what had been sent.
        unfinished: messages that the workers concerned held; never 0.
    """

    at: float
    ends: Mapping[int, int]
    unfinished: int


@dataclass(slots=True)
class Scenario:
    """What a fault may touch.

    Attributes:
        session_seconds: the group's patience with a silent worker.
        injection: the last one, once it has happened.
        overdue: the fault saw that the others did not go on while they should.
    """

    services: Services
    names: Names
    workers: Workers
    load: LoadGenerator
    monitor: Monitor
    rng: Random
    session_seconds: float
    injection: Injection | None = field(default=None)
    overdue: bool = False

    def record_injection(self, unfinished: int) -> None:
        """The fault happens now."""
        self.injection = Injection(time.monotonic(), self.load.ends(), unfinished)

    def extend_injection(self) -> None:
        """The fault took effect only now: what was sent meanwhile must recover too."""
        self.injection = replace(self.last_injection, ends=self.load.ends())

    @property
    def last_injection(self) -> Injection:
        """The last fault.

        Raises:
            FaultMissed: there was none.
        """
        if self.injection is None:
            raise FaultMissed("nothing was injected")
        return self.injection

    def wait_until(self, true: Callable[[], bool], *, seconds: float) -> bool:
        """Follow the answers until something is true; False if it does not become so in time."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                return False
            self.monitor.poll()
        return True

    def wait(self, seconds: float) -> None:
        """Let a fault last, and go on following."""
        self.wait_until(lambda: False, seconds=seconds)

    def is_done(self, ends: Mapping[int, int]) -> bool:
        """Whether every message below these offsets is answered and counted."""
        return self.monitor.is_answered(ends) and self.monitor.is_counted(ends)

    def recovers(self, *, seconds: float) -> bool:
        """Wait until everything sent before the fault is answered and counted; False if it never is.

        Args:
            seconds: without progress; so many, it never is.
        """
        ends = self.last_injection.ends
        self._patiently(lambda: self.monitor.has_hole or self.is_done(ends), seconds=seconds)
        return self.is_done(ends)

    def await_calm(self, *, seconds: float) -> None:
        """Wait until all workers take part and everything sent so far is answered and counted, or never will be.

        Args:
            seconds: without progress; so many, it never will be.
        """
        ends = self.load.ends()
        self._patiently(lambda: self._takes_part() and (self.monitor.has_hole or self.is_done(ends)), seconds=seconds)

    def _patiently(self, true: Callable[[], bool], *, seconds: float) -> None:
        """Follow until something is true, `seconds` pass without a new answer, or PATIENCE times as many in all.

        A busy machine makes everything slow, and slow is not lost.
        """
        deadline = time.monotonic() + PATIENCE * seconds
        while time.monotonic() < deadline:
            before = self.monitor.answers
            if self.wait_until(true, seconds=min(seconds, max(0.0, deadline - time.monotonic()))):
                return
            if self.monitor.answers == before:
                return

    def _takes_part(self) -> bool:
        self.workers.refill()
        return all(process.control.page[Field.BEGUN] > 0 for process in self.workers.processes)
