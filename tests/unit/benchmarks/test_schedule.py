"""Which faults befall which stream."""

from collections import Counter

import pytest

from benchmarks.chaos.faults import CATALOGUE
from benchmarks.chaos.schedule import plan, share

FAULTS = len(CATALOGUE)


def names(streams):
    return Counter(name for stream in streams for name in stream.names)


def test_the_same_seed_gives_the_same_schedule():
    assert plan(100, seed=1) == plan(100, seed=1)


def test_another_seed_gives_another_schedule():
    assert plan(100, seed=1) != plan(100, seed=2)


@pytest.mark.parametrize("events", [1, 10, FAULTS, 100])
def test_exactly_so_many_events_are_planned(events):
    assert events == names(plan(events, seed=1)).total()


def test_every_fault_comes_before_any_comes_twice():
    assert {1} == set(names(plan(FAULTS, seed=3)).values())
    assert {1, 2} == set(names(plan(FAULTS + 1, seed=3)).values())


def test_faults_are_told_apart_by_their_names():
    assert FAULTS == len({fault.name for fault in CATALOGUE})


def test_an_event_during_seeding_comes_first():
    for stream in plan(200, seed=4):
        assert not any(fault.during_seeding for fault in stream.faults[1:])


def test_events_that_may_repeat_have_streams_of_their_own():
    for stream in plan(200, seed=5):
        assert 1 == len({fault.apart for fault in stream.faults})
        assert stream.is_apart == stream.faults[0].apart


def test_runners_share_all_streams():
    streams = plan(100, seed=6)

    shares = share(streams, runners=3)

    assert sorted(stream.number for stream in streams) == sorted(stream.number for mine in shares for stream in mine)


def test_runners_get_about_the_same_work():
    seconds = [sum(stream.seconds for stream in mine) for mine in share(plan(100, seed=7), runners=3)]

    assert max(seconds) < 1.3 * min(seconds)


def test_no_runner_is_left_without_work():
    assert 1 == len(share(plan(1, seed=8), runners=3))
