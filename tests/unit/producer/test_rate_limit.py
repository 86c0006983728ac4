import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsieve.producer.rate_limit import at_rate


class Clock:
    """Time that passes only when somebody sleeps or works."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def pass_time(self, seconds):
        self.now += seconds


def times(clock, *, count, rate, work_seconds=lambda _: 0.0):
    seen = []
    for item in at_rate(range(count), rate=rate, clock=clock, sleep=clock.pass_time):
        seen.append(clock() - 1000.0)
        clock.pass_time(work_seconds(item))
    return seen


@settings(deadline=None)
@given(rate=st.floats(min_value=0.1, max_value=10_000), count=st.integers(min_value=1, max_value=200))
def test_every_item_is_due_at_its_own_time(rate, count):
    assert times(Clock(), count=count, rate=rate) == pytest.approx([index / rate for index in range(count)], abs=1e-6)


def test_work_between_the_items_does_not_make_the_rate_drift():
    assert times(Clock(), count=4, rate=2, work_seconds=lambda _: 0.3) == pytest.approx([0, 0.5, 1.0, 1.5])


def test_a_delay_is_caught_up_with():
    seen = times(Clock(), count=5, rate=1, work_seconds=lambda item: 2.5 if item == 0 else 0)

    assert seen == pytest.approx([0, 2.5, 2.5, 3, 4])
