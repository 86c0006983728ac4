"""Probabilities, and how far they are from what happens."""

import numpy as np
import pytest

from textsieve.trainer.evaluation.calibration import (
    expected_calibration_error,
    fit_temperature,
    log_loss,
    probabilities_of,
    reliability,
)

RNG = np.random.default_rng(5)
TRUE_LOGITS = RNG.normal(scale=1.5, size=(4000, 3)).astype(np.float32)


def drawn(logits, *, multi_label):
    """Targets that hold with exactly the probabilities of the logits."""
    probabilities = probabilities_of(logits, multi_label=multi_label)
    if multi_label:
        return RNG.random(probabilities.shape) < probabilities
    labels = (probabilities.cumsum(axis=1) > RNG.random((len(logits), 1))).argmax(axis=1)
    return np.eye(3, dtype=np.bool_)[labels]


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_temperature_takes_overconfidence_back(multi_label):
    targets = drawn(TRUE_LOGITS, multi_label=multi_label)

    temperature = fit_temperature(TRUE_LOGITS * 3, targets, multi_label=multi_label)

    assert pytest.approx(3, rel=0.1) == temperature


def test_a_split_without_a_mistake_is_not_believed_without_end():
    targets = np.eye(3, dtype=np.bool_)

    assert pytest.approx(0.5, abs=0.01) == fit_temperature(targets * np.float32(2), targets, multi_label=False)


@pytest.mark.parametrize("multi_label", [False, True])
def test_honest_probabilities_have_a_small_error_and_bragging_ones_a_large(multi_label):
    targets = drawn(TRUE_LOGITS, multi_label=multi_label)

    honest, bragging = (
        expected_calibration_error(
            reliability(probabilities_of(logits, multi_label=multi_label), targets, multi_label=multi_label)
        )
        for logits in (TRUE_LOGITS, TRUE_LOGITS * 5)
    )

    assert honest < 0.03
    assert bragging > 0.1


def test_bins_match_hand_counts():
    probabilities = np.array([[0.95, 0.05], [0.97, 0.03], [0.4, 0.6]], dtype=np.float32)
    targets = np.array([[True, False], [False, True], [False, True]])

    bins = reliability(probabilities, targets, multi_label=False)

    assert [(1, 1.0), (2, 0.5)] == [(one.count, one.accuracy) for one in bins]
    assert pytest.approx((0.4 * 1 + 0.46 * 2) / 3, abs=1e-6) == expected_calibration_error(bins)


def test_log_loss_of_certain_mistakes_is_large_and_finite():
    loss = log_loss(np.array([[1.0, 0.0]], dtype=np.float32), np.array([[False, True]]), multi_label=False)

    assert 20 < loss < 30
