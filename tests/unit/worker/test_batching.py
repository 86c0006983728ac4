"""Batches hold every text once and keep to the budget."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.batching import PASS_SHARE, cut_batches

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
def test_batches_come_in_the_order_of_their_longest_texts(lengths, budget):
    batches = cut_batches(lengths, max_batch_tokens=budget)

    longest = [int(lengths[batch].max()) for batch in batches]
    assert sorted(longest) == longest


@given(lengths_of_texts, budgets)
def test_no_two_batches_could_be_one_at_a_lower_price(lengths, budget):
    batches = cut_batches(lengths, max_batch_tokens=budget)

    for left, right in itertools.pairwise(batches):
        together = [*lengths[left], *lengths[right]]
        apart = price([lengths[left], lengths[right]], budget)
        assert max(together) * len(together) > budget or price([together], budget) >= apart


def test_texts_of_similar_length_are_padded_less_than_where_every_batch_is_filled():
    lengths = np.random.default_rng(7).integers(4, 60, size=270)

    batches = cut_batches(lengths, max_batch_tokens=256)

    filled = cut_filled(lengths, 256)
    assert padding(batches, lengths) < 0.5 * padding(filled, lengths)
    assert len(batches) < 1.5 * len(filled)


def price(batches, budget):
    """Padded tokens, and those that each pass costs beside them."""
    return sum(max(batch) * len(batch) + budget / PASS_SHARE for batch in batches)


def padding(batches, lengths):
    return sum(lengths[batch].max() * len(batch) - lengths[batch].sum() for batch in batches)


def cut_filled(lengths, budget):
    """As many neighbours in the order of length in each batch as fit."""
    batches = [[]]
    for row in np.argsort(lengths):
        if batches[-1] and lengths[row] * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(int(row))
    return batches


def test_no_texts_make_no_batches():
    assert [] == cut_batches(np.array([], dtype=np.int64), max_batch_tokens=16)


def test_texts_of_one_length_keep_their_order():
    batches = cut_batches(np.array([4, 4, 4]), max_batch_tokens=8)

    assert [[0, 1], [2]] == [batch.tolist() for batch in batches]


def test_a_budget_below_one_token_is_refused():
    with pytest.raises(ValueError, match="max_batch_tokens"):
        cut_batches(np.array([1]), max_batch_tokens=0)
