"""A threshold keeps its wish and gives as much of the other as it can."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.trainer.evaluation.thresholds import find_threshold, share

PROBABILITIES = np.array([0.9, 0.8, 0.7, 0.6, 0.5], dtype=np.float32)
HOLDS = np.array([True, True, False, True, False])


def find(wish, wished, probabilities=PROBABILITIES, holds=HOLDS):
    return find_threshold(probabilities, holds, label="spam", wish=wish, wished=wished)


def test_a_wished_precision_gives_the_most_recall():
    found = find("precision", 0.75)

    assert pytest.approx((0.6, 0.75, 1.0)) == (found.threshold, found.precision.value, found.recall.value)


def test_a_wished_recall_gives_the_most_precision():
    found = find("recall", 0.6)

    assert pytest.approx((0.8, 1.0, 2 / 3)) == (found.threshold, found.precision.value, found.recall.value)


def test_equal_probabilities_fall_on_one_side():
    assert find("precision", 1.0, probabilities=np.full(5, 0.5, dtype=np.float32)) is None


def test_a_label_that_never_holds_has_no_threshold():
    assert find("recall", 0.1, holds=np.zeros(5, dtype=np.bool_)) is None


def test_the_interval_is_clopper_and_pearsons():
    found = share(9, 10)

    assert pytest.approx((0.9, 0.5550, 0.9975), abs=1e-4) == (found.value, found.low, found.high)


def test_all_or_nothing_reaches_the_end():
    assert (0.0, 1.0) == (share(0, 5).low, share(5, 5).high)


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7]), st.booleans()), min_size=1),
    st.sampled_from(["precision", "recall"]),
    st.floats(0.05, 1),
)
def test_counting_at_the_threshold_gives_what_was_promised(rows, wish, wished):
    probabilities = np.array([row[0] for row in rows], dtype=np.float32)
    holds = np.array([row[1] for row in rows])

    found = find(wish, wished, probabilities=probabilities, holds=holds)

    if found is None:
        return
    said = probabilities >= np.float32(found.threshold)
    right = (said & holds).sum()
    assert pytest.approx((right / said.sum(), right / holds.sum())) == (found.precision.value, found.recall.value)
    assert getattr(found, wish).value >= wished
