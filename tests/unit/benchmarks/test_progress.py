"""When a chaos run waits for an answer, and when it gives up."""

import pytest

from benchmarks.chaos.progress import HOLE_SECONDS, Progress


@pytest.fixture
def progress() -> Progress:
    return Progress({0: 0, 1: 0})


def test_answers_reach_as_far_as_none_is_missing(progress):
    progress.answered([(0, 1), (0, 0), (0, 3), (1, 0)], now=0.0)

    assert progress.reaches({0: 2, 1: 1})
    assert not progress.reaches({0: 3})


def test_a_message_that_stays_without_answer_while_later_ones_have_theirs_is_a_hole(progress):
    progress.answered([(0, 1)], now=0.0)

    progress.answered([(0, 2)], now=HOLE_SECONDS)

    assert {} == progress.holes(now=HOLE_SECONDS)
    assert {0: 0} == progress.holes(now=HOLE_SECONDS + 1)


def test_a_hole_that_was_filled_is_none(progress):
    progress.answered([(0, 1)], now=0.0)

    progress.answered([(0, 0)], now=HOLE_SECONDS + 1)

    assert {} == progress.holes(now=2 * HOLE_SECONDS + 2)


def test_a_partition_that_waits_after_a_repeat_has_no_hole(progress):
    """A run once gave up on a stream whose workers were only taking over, because of what a zombie had repeated."""
    progress.answered([(0, 0), (0, 1)], now=0.0)
    progress.answered([(0, 0), (0, 1)], now=1.0)

    progress.answered([], now=2 * HOLE_SECONDS)

    assert {} == progress.holes(now=3 * HOLE_SECONDS)
