"""What is waited for is told, and not too often."""

import structlog

from textsieve.worker.waits import Wait


def told(times, *, ended=None):
    """The lines of a wait that was looked at at these times: seconds waited by then, and what it said."""
    with structlog.testing.capture_logs() as lines:
        wait = Wait(structlog.stdlib.get_logger("test"), "waiting", "over")
        for now in times:
            wait.goes_on(now)
        if ended is not None:
            wait.ends(ended)
    return [(line["event"], line["waited_seconds"]) for line in lines]


def test_a_short_wait_is_not_worth_a_line():
    assert [] == told([0.0, 1.0, 2.9], ended=2.95)


def test_a_long_wait_is_told_once_and_then_every_ten_seconds():
    every_second = [float(second) for second in range(25)]

    assert [("waiting", 3), ("waiting", 13), ("waiting", 23)] == told(every_second)


def test_the_end_of_a_wait_that_was_told_is_told_too():
    assert [("waiting", 3), ("over", 5)] == told([0.0, 3.0], ended=5.0)


def test_a_later_wait_begins_anew():
    with structlog.testing.capture_logs() as lines:
        wait = Wait(structlog.stdlib.get_logger("test"), "waiting", "over")
        wait.goes_on(0.0)
        wait.ends(2.0)
        wait.goes_on(4.0)

    assert [] == lines
