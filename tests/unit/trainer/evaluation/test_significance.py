"""Intervals cover what they should, and luck is told from skill."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from textsieve.trainer.evaluation.significance import difference, interval, resampled_f1

RNG = np.random.default_rng(6)
TRUE = RNG.random((400, 1)) < 0.3


def answers(share_wrong, *, seed):
    return TRUE ^ (np.random.default_rng(seed).random(TRUE.shape) < share_wrong)


def test_the_first_value_is_that_of_the_texts_themselves():
    said = answers(0.1, seed=1)

    assert pytest.approx(f1_score(TRUE[:, 0], said[:, 0])) == resampled_f1(TRUE, said, seed=0)[0]


def test_several_labels_count_by_their_mean():
    targets, said = RNG.random((50, 3)) < 0.5, RNG.random((50, 3)) < 0.5

    assert pytest.approx(f1_score(targets, said, average="macro")) == resampled_f1(targets, said, seed=0)[0]


def test_the_interval_is_as_wide_as_the_luck_of_the_draw():
    found = interval(resampled_f1(TRUE, answers(0.1, seed=1), seed=0))

    assert found.low < found.value < found.high
    assert 0.03 < found.high - found.low < 0.15


def test_a_method_does_not_differ_from_itself():
    samples = resampled_f1(TRUE, answers(0.1, seed=1), seed=0)

    found = difference(samples, samples)

    assert (0.0, 0.0, 0.0, 1.0) == (found.interval.value, found.interval.low, found.interval.high, found.p_value)


def test_a_much_better_method_is_told_from_a_lucky_one():
    good, equal, bad = (
        resampled_f1(TRUE, answers(wrong, seed=seed), seed=0) for wrong, seed in ((0.05, 1), (0.05, 2), (0.3, 3))
    )

    assert difference(good, bad).p_value < 0.01
    assert difference(good, bad).interval.low > 0
    assert difference(good, equal).p_value > 0.05


def test_a_label_that_never_comes_up_counts_as_nothing():
    nothing = np.zeros((5, 1), dtype=np.bool_)

    assert 0 == resampled_f1(nothing, nothing, seed=0).max()
