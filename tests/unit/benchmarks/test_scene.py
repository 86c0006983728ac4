"""How long a chaos run waits: as long as there is progress, and no longer."""

from random import Random
from types import SimpleNamespace

import pytest

from benchmarks.chaos import scene as scenes
from benchmarks.chaos.scene import PATIENCE, Blow, Scene

STEP_SECONDS = 1.0
ENDS = {0: 3}


class Follower:
    """Stands in for the one that reads topics: every look takes STEP_SECONDS and brings what is planned for it."""

    def __init__(self, *planned: int, hole_at: float = float("inf"), enough: int = ENDS[0]) -> None:
        self.now, self.answers = 0.0, 0
        self._planned, self._hole_at, self._enough = iter(planned), hole_at, enough

    def look(self) -> None:
        self.now += STEP_SECONDS
        self.answers += next(self._planned, 0)

    @property
    def has_hole(self) -> bool:
        return self.now >= self._hole_at

    def is_answered(self, ends) -> bool:
        return self.answers >= self._enough

    is_counted = is_answered


def scene(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(scenes, "time", SimpleNamespace(monotonic=lambda: follower.now))
    blow = Blow(at=0.0, ends=ENDS, unfinished=3)
    return Scene(None, None, None, None, follower, Random(1), session_seconds=6.0, blow=blow)


def test_a_slow_recovery_is_one(monkeypatch):
    follower = Follower(*[1, 0, 0, 0] * 3)

    assert scene(follower, monkeypatch).recovers(seconds=5)
    assert 9 * STEP_SECONDS == follower.now


def test_without_progress_it_is_none(monkeypatch):
    follower = Follower(1, *[0] * 50)

    assert not scene(follower, monkeypatch).recovers(seconds=5)
    assert follower.now < 3 * 5


def test_progress_elsewhere_does_not_keep_it_waiting_for_ever(monkeypatch):
    follower = Follower(*[1] * 1000, enough=1000)

    assert not scene(follower, monkeypatch).recovers(seconds=5)
    assert PATIENCE * 5 + 2 * STEP_SECONDS >= follower.now


def test_a_lost_message_is_not_waited_for(monkeypatch):
    follower = Follower(*[1, 1], hole_at=3.0)

    assert not scene(follower, monkeypatch).recovers(seconds=5)
    assert 3.0 == follower.now
