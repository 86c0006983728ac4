"""The pure parts of fine-tuning: batches, losses, rates."""

import numpy as np
import pytest
import torch

from textsieve.trainer.training.length_batches import length_grouped
from textsieve.trainer.training.losses import drift, label_loss, label_weights
from textsieve.trainer.training.optimizer import learning_rate_factor

LENGTHS = np.random.default_rng(1).integers(3, 90, size=1000)


def test_every_text_is_in_one_batch():
    batches = length_grouped(LENGTHS, batch_size=32, rng=np.random.default_rng(0))

    assert list(range(1000)) == sorted(np.concatenate(batches))
    assert 32 == max(len(batch) for batch in batches)


def test_texts_of_a_batch_are_of_similar_length():
    batches = length_grouped(LENGTHS, batch_size=32, rng=np.random.default_rng(0))

    padded = sum(len(batch) * LENGTHS[batch].max() for batch in batches)
    assert padded < 1.15 * LENGTHS.sum()


def test_batches_do_not_come_in_the_order_of_length():
    batches = length_grouped(LENGTHS, batch_size=32, rng=np.random.default_rng(0))

    longest = [LENGTHS[batch].max() for batch in batches]
    assert longest != sorted(longest)


def test_the_rate_rises_then_falls_to_nearly_nothing():
    rates = [learning_rate_factor(step, steps=100, warmup=0.1) for step in range(100)]

    assert (0.1, 1.0, 1.0) == (rates[0], rates[9], max(rates))
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert 0 < rates[-1] < 0.02


def test_exclusive_labels_compete_and_independent_ones_do_not():
    logits, targets = torch.tensor([[2.0, 2.0]]), torch.tensor([[1.0, 0.0]])

    exclusive = label_loss(logits, targets, multi_label=False, weights=None).item()
    independent = label_loss(logits, targets, multi_label=True, weights=None).item()

    assert pytest.approx(np.log(2)) == exclusive
    assert pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.exp(2))) / 2) == independent


def test_an_embedding_that_turned_away_has_drifted():
    before = torch.tensor([[1.0, 0.0], [1.0, 0.0]])

    assert 0.5 == drift(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), before).item()


def test_balanced_weights_make_labels_count_the_same():
    targets = np.array([[True, False]] * 9 + [[False, True]])

    weights = label_weights(targets, multi_label=False, kind="balanced")

    assert pytest.approx(targets.sum(axis=0) * weights) == np.array([5.0, 5.0])


def test_no_weight_is_beyond_twenty():
    targets = np.array([[True, False]] * 999 + [[False, True]])

    assert 20 == label_weights(targets, multi_label=True, kind="balanced")[1]
