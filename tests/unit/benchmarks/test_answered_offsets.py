"""When a chaos run waits for an answer, and when it gives up."""

import pytest

from benchmarks.chaos.answered_offsets import HOLE_SECONDS, AnsweredOffsets


@pytest.fixture
def offsets() -> AnsweredOffsets:
    return AnsweredOffsets({0: 0, 1: 0})


def test_answers_reach_as_far_as_none_is_missing(offsets):
    offsets.add([(0, 1), (0, 0), (0, 3), (1, 0)], now=0.0)

    assert offsets.reaches({0: 2, 1: 1})
    assert not offsets.reaches({0: 3})


def test_a_message_that_stays_without_answer_while_later_ones_have_theirs_is_a_hole(offsets):
    offsets.add([(0, 1)], now=0.0)

    offsets.add([(0, 2)], now=HOLE_SECONDS)

    assert {} == offsets.holes(now=HOLE_SECONDS)
    assert {0: 0} == offsets.holes(now=HOLE_SECONDS + 1)


def test_a_hole_that_was_filled_is_none(offsets):
    offsets.add([(0, 1)], now=0.0)

    offsets.add([(0, 0)], now=HOLE_SECONDS + 1)

    assert {} == offsets.holes(now=2 * HOLE_SECONDS + 2)


def test_a_partition_that_waits_after_a_repeat_has_no_hole(offsets):
    """A run once gave up on a stream whose workers were only taking over, because of what a zombie had repeated."""
    offsets.add([(0, 0), (0, 1)], now=0.0)
    offsets.add([(0, 0), (0, 1)], now=1.0)

    offsets.add([], now=2 * HOLE_SECONDS)

    assert {} == offsets.holes(now=3 * HOLE_SECONDS)
