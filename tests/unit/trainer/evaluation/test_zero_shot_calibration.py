"""The settings of described labels that suit labelled texts."""

import numpy as np
import pytest

from textsieve.trainer.evaluation.calibration import probabilities_of
from textsieve.trainer.evaluation.zero_shot_calibration import calibrate_zero_shot
from textsieve.worker.settings import ModelSettings

# cosines of six texts to two described labels; the last two are near neither
SIMILARITIES = np.array([[0.8, 0.1], [0.7, 0.3], [0.2, 0.6], [0.3, 0.5], [0.2, 0.1], [0.1, 0.345]], dtype=np.float32)
TRUE = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=np.bool_)
LABELS = {"a": ("first",), "b": ("second",), "other": ()}


def answers(settings):
    constant = np.full((len(SIMILARITIES), 1), settings.least_similarity, dtype=np.float32)
    return probabilities_of(np.hstack([SIMILARITIES, constant]) / settings.temperature, multi_label=False)


@pytest.mark.parametrize("temperature", [0.05, 0.3])
@pytest.mark.parametrize("least", [0.0, 0.35, 0.9])
def test_the_best_cut_is_found_whatever_was_set(temperature, least):
    settings = ModelSettings(labels=LABELS, temperature=temperature, least_similarity=least)

    found = calibrate_zero_shot(answers(settings), TRUE, settings)

    assert 0.35 <= found.least_similarity <= 0.5
    cut = {one.least_similarity: one for one in found.cuts}
    assert (1.0, 1.0, 1.0) == (cut[0.4].accuracy, cut[0.4].precision, cut[0.4].recall)
    assert (4 / 6, 0.0, 0.0) == (cut[0.1].accuracy, cut[0.1].precision, cut[0.1].recall)
    assert pytest.approx((2 / 3, 1.0)) == (cut[0.55].precision, cut[0.55].recall)


def test_labels_that_are_all_described_need_no_cut():
    settings = ModelSettings(labels={"a": ("first",), "b": ("second",)})
    probabilities = probabilities_of(SIMILARITIES[:4] / settings.temperature, multi_label=False)

    found = calibrate_zero_shot(probabilities, TRUE[:4, :2], settings)

    assert (None, ()) == (found.least_similarity, found.cuts)


def test_answers_that_are_too_sure_ask_for_a_higher_temperature():
    settings = ModelSettings(labels={"a": ("first",), "b": ("second",)})
    mistaken = TRUE[:4, 1::-1].copy()
    mistaken[0] = TRUE[0, :2]

    assert settings.temperature < calibrate_zero_shot(answers(settings)[:4, :2], mistaken, settings).temperature
