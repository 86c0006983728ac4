"""Batches hold every text once and keep to the budget."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.batching import cut_batches

lengths_of_texts = st.lists(st.integers(min_value=1, max_value=600), max_size=200).map(
    lambda values: np.array(values, dtype=np.int64)
)
budgets = st.integers(min_value=1, max_value=4096)


@given(lengths_of_texts, budgets)
def test_every_row_is_in_exactly_one_batch(lengths, budget):
    batches = cut_batches(lengths, max_batch_tokens=budget)

    assert list(range(len(lengths))) == sorted(row for batch in batches for row in batch.tolist())


@given(lengths_of_texts, budgets)
def test_longest_times_count_keeps_to_the_budget_unless_the_text_is_alone(lengths, budget):
    batches = cut_batches(lengths, max_batch_tokens=budget)

    assert all(len(batch) == 1 or lengths[batch].max() * len(batch) <= budget for batch in batches)


@given(lengths_of_texts, budgets)
def test_rows_come_in_the_order_of_length(lengths, budget):
    batches = cut_batches(lengths, max_batch_tokens=budget)

    assert sorted(lengths.tolist()) == [int(lengths[row]) for batch in batches for row in batch]


@given(lengths_of_texts, budgets)
def test_no_two_neighbouring_batches_would_fit_together(lengths, budget):
    batches = cut_batches(lengths, max_batch_tokens=budget)

    for left, right in itertools.pairwise(batches):
        assert lengths[right[0]] * (len(left) + 1) > budget


def test_no_texts_make_no_batches():
    assert [] == cut_batches(np.array([], dtype=np.int64), max_batch_tokens=16)


def test_texts_of_one_length_keep_their_order():
    batches = cut_batches(np.array([4, 4, 4]), max_batch_tokens=8)

    assert [[0, 1], [2]] == [batch.tolist() for batch in batches]


def test_a_budget_below_one_token_is_refused():
    with pytest.raises(ValueError, match="max_batch_tokens"):
        cut_batches(np.array([1]), max_batch_tokens=0)
