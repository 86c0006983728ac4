"""A time is worth so many rows as were measured to fit into it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.slow_model import MAX_BATCH_TOKENS, PASS_SECONDS, slow_predictor, words
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.inference.prediction.cost_model import SMOOTHING, CostModel
from textsieve.worker.testing import ManualClock

lengths = st.lists(st.integers(1, 512), min_size=1, max_size=300)


def rows(width, count):
    return np.full(count, width, np.int64)


def test_before_anything_is_measured_there_is_one_pass():
    fitting = CostModel().rows_within(rows(100, 50), seconds=1.0, max_batch_tokens=1000)

    assert 10 == fitting


def test_rows_fit_by_the_cost_of_their_width():
    costs = CostModel()
    costs.observe(rows=10, width=16, seconds=0.16)
    costs.observe(rows=10, width=256, seconds=5.12)

    short = costs.rows_within(rows(16, 1000), seconds=1.0, max_batch_tokens=1000)
    long = costs.rows_within(rows(256, 1000), seconds=1.0, max_batch_tokens=1000)

    assert (62, 1) == (short, long)


def test_a_width_that_was_never_met_is_feared_to_cost_the_square():
    costs = CostModel()
    costs.observe(rows=10, width=16, seconds=0.016)

    fitting = costs.rows_within(rows(64, 1000), seconds=1.0, max_batch_tokens=10_000)

    assert int(1.0 / (64 * 1e-4 * 4)) == fitting


def test_rows_narrower_than_all_that_were_met_cost_what_the_narrowest_do():
    costs = CostModel()
    costs.observe(rows=10, width=64, seconds=0.064)

    fitting = costs.rows_within(rows(8, 2000), seconds=1.0, max_batch_tokens=10_000)

    assert 1250 == pytest.approx(fitting, abs=1)


def test_a_slow_pass_counts_by_its_weight_and_a_fast_one_whole():
    costs = CostModel()
    costs.observe(rows=1, width=16, seconds=0.16)
    costs.observe(rows=1, width=16, seconds=0.32)
    slower = costs.rows_within(rows(16, 1000), seconds=10.0, max_batch_tokens=1000)
    costs.observe(rows=1, width=16, seconds=0.08)
    faster = costs.rows_within(rows(16, 1000), seconds=10.0, max_batch_tokens=1000)

    assert (int(10 / (0.16 + SMOOTHING * 0.16)), int(10 / 0.08)) == (slower, pytest.approx(faster, abs=1))


@given(lengths, st.floats(-5, 5))
def test_one_row_always_fits_and_never_more_than_there_are(found, seconds):
    costs = CostModel()
    fresh = costs.rows_within(np.asarray(found), seconds=seconds, max_batch_tokens=512)
    costs.observe(rows=3, width=40, seconds=0.1)

    fitting = costs.rows_within(np.asarray(found), seconds=seconds, max_batch_tokens=512)

    assert 1 <= fresh <= len(found)
    assert 1 <= fitting <= len(found)


def test_a_predictor_without_a_bound_answers_everything():
    answers = slow_predictor(ManualClock()).predict([words(400)] * 100)

    assert 100 == len(answers.token_counts)


def test_a_pass_before_there_was_a_bound_tells_nothing_for_a_model_warms_up():
    predictor = slow_predictor(ManualClock(), cold_seconds=100.0)
    predictor.predict([words(20)])

    predictor.max_seconds = 1.0

    assert MAX_BATCH_TOKENS // 20 == len(predictor.predict([words(20)] * 500).token_counts)


@given(lengths, lengths)
def test_a_call_takes_no_longer_than_its_time_and_one_pass(first, then):
    clock = ManualClock()
    predictor = slow_predictor(clock, max_seconds=1.0)
    predictor.predict([words(count) for count in first])
    began = clock()

    answers = predictor.predict([words(count) for count in then])

    assert clock() - began <= 1.0 + PASS_SECONDS
    assert then[: len(answers.token_counts)] == answers.token_counts.tolist()
    assert len(answers.token_counts)


@given(st.lists(lengths, min_size=1, max_size=4))
def test_behind_a_cache_the_first_texts_are_answered_too(calls):
    predictor = CachingPredictor(slow_predictor(ManualClock()), messages=50)
    predictor.max_seconds = 0.2

    answers = [(counts, predictor.predict([words(count) for count in counts]).token_counts) for counts in calls]

    assert all(len(found) and counts[: len(found)] == found.tolist() for counts, found in answers)
