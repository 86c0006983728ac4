"""Rounds in turns tell who is faster, or that it does not matter."""

import numpy as np
import pytest

from textsieve.worker.inference.tuning.timing import LEAST_ROUNDS, fastest, median_interval, told_apart


def test_fewer_rounds_than_can_tell_leave_everything_open():
    assert (-np.inf, np.inf) == median_interval([1.0] * (LEAST_ROUNDS - 1))


@pytest.mark.parametrize(("count", "ends"), [(6, (1, 6)), (9, (2, 8)), (20, (6, 15))])
def test_the_interval_ends_at_the_ranks_of_the_binomial(count, ends):
    assert ends == median_interval(list(range(count, 0, -1)))


def test_the_interval_holds_the_median_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        low, high = median_interval(rng.exponential(size=11).tolist())
        inside += low <= np.log(2) <= high

    assert inside >= 930


def test_the_fastest_is_so_round_by_round_though_the_machine_slows_down():
    slowing = np.linspace(1, 9, 8)

    assert 1 == fastest([list(slowing * 1.1), list(slowing)])
    assert told_apart([list(slowing * 1.1), list(slowing)])


def test_one_lucky_round_does_not_decide():
    assert 0 == fastest([[1.0] * 7, [1.2] * 6 + [0.1]])


def test_noise_that_goes_both_ways_cannot_tell():
    one, other = [1.0] * 8, [0.8, 1.3] * 4

    assert not told_apart([one, other])


def test_equals_need_no_more_rounds():
    assert told_apart([[1.0] * 8, [1.01, 0.99] * 4])


def test_one_alone_is_told_when_it_was_timed_often_enough():
    assert told_apart([[1.0] * LEAST_ROUNDS])
    assert not told_apart([[1.0] * (LEAST_ROUNDS - 1)])
