"""Drift: the index itself, and the two windows it compares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.metrics.drift import Drift, psi

shares = st.lists(st.integers(0, 1000), min_size=2, max_size=20).filter(any).map(np.asarray)


def counts(*values):
    return {"label": np.asarray(values)}


@given(shares)
def test_equal_shares_have_an_index_of_zero(reference):
    assert 0 == psi(reference, reference)


@given(st.data())
def test_the_index_is_symmetric_and_never_negative(data):
    reference = data.draw(shares)
    newest = data.draw(st.lists(st.integers(0, 1000), min_size=len(reference), max_size=len(reference)).map(np.asarray))

    assert psi(reference, newest) >= 0
    assert pytest.approx(psi(reference, newest)) == psi(newest, reference)


def test_the_index_is_the_one_of_the_books():
    expected = (0.9 - 0.5) * np.log(0.9 / 0.5) + (0.1 - 0.5) * np.log(0.1 / 0.5)

    assert pytest.approx(expected) == psi(np.array([500, 500]), np.array([900, 100]))


def test_an_empty_window_says_nothing():
    assert 0 == psi(np.array([0, 0]), np.array([3, 4]))


def test_a_bin_that_was_empty_gives_a_finite_index():
    assert 0.25 < psi(np.array([100, 0]), np.array([50, 50])) < 10


def test_the_index_stays_zero_until_both_windows_are_full():
    drift = Drift({"label": 2}, window=100)
    drift.observe(counts(100, 0), messages=100)
    drift.observe(counts(0, 99), messages=99)

    assert 0.0 == drift.index("label")
    assert 99 == drift.messages


def test_a_shift_shows_and_passes_when_it_is_over():
    drift = Drift({"label": 2}, window=100)
    for _ in range(10):
        drift.observe(counts(9, 1), messages=10)
    for _ in range(10):
        drift.observe(counts(1, 9), messages=10)
    shifted = drift.index("label")
    for _ in range(10):
        drift.observe(counts(9, 1), messages=10)

    assert shifted > 0.25
    assert pytest.approx(0) == drift.index("label")


@given(st.lists(st.integers(1, 60), min_size=20, max_size=60))
def test_the_newest_window_holds_at_least_its_size_and_forgets_the_rest(batches):
    drift = Drift({"label": 1}, window=100)
    for size in batches:
        drift.observe(counts(size), messages=size)

    after_reference = sum(batches) - next(
        total for total in np.cumsum(batches).tolist() if total >= 100 or total == sum(batches)
    )
    assert min(after_reference, 100) <= drift.messages <= 100 + 60 + 60


def test_chance_alone_stays_below_the_first_threshold():
    rng = np.random.default_rng(7)
    drift = Drift({"cluster": 17}, window=2000)
    for _ in range(80):
        drift.observe({"cluster": np.bincount(rng.integers(0, 17, 50), minlength=17)}, messages=50)

    assert drift.index("cluster") < 0.1
