"""Rates, spreads, schedules and percentiles mean what they say."""

from itertools import pairwise
from random import Random

import pytest

from benchmarks.speed.figures import Growth, Spread, between_batches, bursts, open_loop, order, percentiles, rate


def _batches(*ends: tuple[float, int]) -> list[Growth]:
    """Output in batches of two appends a few milliseconds apart."""
    return [point for at, total in ends for point in (Growth(at - 0.02, total - 1), Growth(at, total))]


def test_a_spread_is_a_median_between_its_extremes():
    spread = Spread.of([3.0, 1.0, 2.0])

    assert (2.0, 1.0, 3.0, (3.0, 1.0, 2.0)) == (spread.median, spread.lowest, spread.highest, spread.rounds)


def test_no_round_has_no_spread():
    with pytest.raises(ValueError, match="at least one"):
        Spread.of([])


def test_growth_without_a_pause_is_one_burst():
    assert [Growth(1.0, 500), Growth(6.0, 1000)] == bursts(_batches((1.0, 500), (6.0, 1000)))


def test_the_rate_of_batches_counts_whole_ones_after_the_first():
    points = _batches((1.0, 500), (6.0, 1000), (11.0, 1500))

    assert rate(points) == pytest.approx(100.0)


def test_the_rate_of_a_steady_output_leaves_its_start_out():
    slow = [Growth(at / 100, at // 10) for at in range(200)]
    fast = [Growth(2 + at / 100, 20 + at) for at in range(300)]

    assert rate([*slow, *fast]) == pytest.approx(100.0)


def test_a_window_does_not_end_inside_a_batch():
    points = _batches((1.0, 500), (6.0, 1000))

    assert (False, True) == (between_batches(points, 6.01), between_batches(points, 6.2))


def test_a_window_of_a_stream_may_end_at_any_time():
    points = [Growth(at / 50, at) for at in range(100)]

    assert between_batches(points, points[-1].seconds)


def test_an_output_that_grew_once_has_no_rate():
    with pytest.raises(ValueError, match="before and after"):
        rate([Growth(0.0, 1)])


def test_a_schedule_is_fixed_by_its_seed():
    assert open_loop(Random(3), per_second=50, seconds=4) == open_loop(Random(3), per_second=50, seconds=4)


def test_a_schedule_ascends_and_has_the_rate_that_was_asked_for():
    due = open_loop(Random(1), per_second=100, seconds=50)

    assert all(earlier < later < 50 for earlier, later in pairwise(due))
    assert len(due) == pytest.approx(5000, rel=0.05)


def test_percentiles_are_latencies_that_occurred():
    latencies = [0.001 * number for number in range(1, 101)]

    assert percentiles(latencies) == pytest.approx({"p50": 0.050, "p95": 0.095, "p99": 0.099})


def test_a_stall_shows_in_all_messages_that_were_due_in_it():
    """A worker that stands still for a second while ten messages are due answers them late, not one of them."""
    due = [number / 10 for number in range(100)]
    answered = [max(at, 5.0) if 4.0 <= at < 5.0 else at for at in due]

    found = percentiles([done - at for done, at in zip(answered, due, strict=True)])

    assert {"p50": 0.0, "p95": pytest.approx(0.5), "p99": pytest.approx(0.9)} == found


def test_every_round_has_every_system_and_the_seed_fixes_the_orders():
    names = ["a", "b", "c", "d"]

    orders = order(names, seed=1, rounds=5)

    assert [names] * 5 == [sorted(one) for one in orders]
    assert orders == order(names, seed=1, rounds=5)
    assert len({tuple(one) for one in orders}) > 1
