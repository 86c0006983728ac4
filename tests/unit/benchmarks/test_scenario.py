"""How long a chaos run waits: as long as there is progress, and no longer."""

from random import Random
from types import SimpleNamespace

import pytest

from benchmarks.chaos import scenario as scenarios
from benchmarks.chaos.scenario import PATIENCE, Injection, Scenario

STEP_SECONDS = 1.0
ENDS = {0: 3}


class Monitor:
    """Stands in for the one that reads topics: every look takes STEP_SECONDS and brings what is planned for it."""

    def __init__(self, *planned: int, hole_at: float = float("inf"), enough: int = ENDS[0]) -> None:
        self.now, self.answers = 0.0, 0
        self._planned, self._hole_at, self._enough = iter(planned), hole_at, enough

    def poll(self) -> None:
        self.now += STEP_SECONDS
        self.answers += next(self._planned, 0)

    @property
    def has_hole(self) -> bool:
        return self.now >= self._hole_at

    def is_answered(self, ends) -> bool:
        return self.answers >= self._enough

    is_counted = is_answered


def scenario(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.setattr(scenarios, "time", SimpleNamespace(monotonic=lambda: monitor.now))
    injection = Injection(at=0.0, ends=ENDS, unfinished=3)
    return Scenario(None, None, None, None, monitor, Random(1), session_seconds=6.0, injection=injection)


def test_a_slow_recovery_is_one(monkeypatch):
    monitor = Monitor(*[1, 0, 0, 0] * 3)

    assert scenario(monitor, monkeypatch).recovers(seconds=5)
    assert 9 * STEP_SECONDS == monitor.now


def test_without_progress_it_is_none(monkeypatch):
    monitor = Monitor(1, *[0] * 50)

    assert not scenario(monitor, monkeypatch).recovers(seconds=5)
    assert monitor.now < 3 * 5


def test_progress_elsewhere_does_not_keep_it_waiting_for_ever(monkeypatch):
    monitor = Monitor(*[1] * 1000, enough=1000)

    assert not scenario(monitor, monkeypatch).recovers(seconds=5)
    assert PATIENCE * 5 + 2 * STEP_SECONDS >= monitor.now


def test_a_lost_message_is_not_waited_for(monkeypatch):
    monitor = Monitor(*[1, 1], hole_at=3.0)

    assert not scenario(monitor, monkeypatch).recovers(seconds=5)
    assert 3.0 == monitor.now
