"""The fastest engine wins, if its answers are those of float32."""

import numpy as np
import pytest

from worker.inference.calibration import (
    LEAST_AGREEMENT,
    LEAST_COSINE,
    Trial,
    calibration_texts,
    choose,
    choose_budget,
    compare,
)
from worker.records import Predictions

REFERENCE = Trial("torch fp32", 100, 1.0, 1.0)
NEAR = {"label_agreement": LEAST_AGREEMENT, "mean_cosine": LEAST_COSINE}


def chosen(*trials):
    return choose(trials)[0].name


def test_the_fastest_within_the_bounds_wins():
    assert "b" == chosen(REFERENCE, Trial("a", 200, **NEAR), Trial("b", 300, **NEAR))


@pytest.mark.parametrize(("agreement", "cosine"), [(LEAST_AGREEMENT - 1e-4, 1.0), (1.0, LEAST_COSINE - 1e-4)])
def test_a_faster_one_that_differs_is_refused_by_name(agreement, cosine):
    winner, why = choose([REFERENCE, Trial("rough", 900, agreement, cosine)])

    assert "torch fp32" == winner.name
    assert "rough refused" in why


def test_one_that_did_not_run_never_wins():
    assert "torch fp32" == chosen(REFERENCE, Trial("broken", fault="no such operator"))


def test_the_only_one_allowed_is_taken_though_it_differs():
    winner, why = choose([Trial("rough", 900, 0.5, 0.5)])

    assert "rough" == winner.name
    assert "differs from fp32" in why


def test_where_all_that_is_allowed_differs_the_fastest_of_it_is_taken():
    assert "b" == chosen(Trial("a", 10, 0.9, 0.9), Trial("b", 20, 0.9, 0.9))


def test_the_smallest_budget_that_is_nearly_the_best_wins():
    assert 1024 == choose_budget([(512, 50.0), (1024, 98.0), (2048, 100.0), (4096, 99.0)])


def answers(probabilities, embeddings=((1.0, 0.0), (0.0, 1.0))):
    rows = len(probabilities)
    return Predictions(
        np.asarray(probabilities, np.float32),
        np.asarray(embeddings, np.float32),
        np.ones(rows, np.int64),
        np.zeros(rows, np.bool_),
    )


def test_labels_agree_where_the_likeliest_is_the_same():
    left, right = answers([[0.6, 0.4], [0.6, 0.4]]), answers([[0.9, 0.1], [0.4, 0.6]])

    trial = compare("x", left, right, seconds=0.5, multi_label=False)

    assert (0.5, 1.0, 4.0) == (trial.label_agreement, trial.mean_cosine, trial.messages_per_second)


def test_independent_labels_agree_where_all_are_on_the_same_side():
    left, right = answers([[0.9, 0.8], [0.9, 0.8]]), answers([[0.6, 0.7], [0.9, 0.4]])

    assert 0.5 == compare("x", left, right, seconds=1, multi_label=True).label_agreement


def test_the_cosine_is_the_mean_over_texts():
    trial = compare(
        "x", answers([[1.0]] * 2), answers([[1.0]] * 2, ((1.0, 0.0), (0.6, 0.8))), seconds=1, multi_label=False
    )

    assert pytest.approx(0.9) == trial.mean_cosine


def test_the_texts_are_distinct_and_of_many_lengths():
    texts = calibration_texts()

    assert len(texts) == len(set(texts)) >= 1 / (1 - LEAST_AGREEMENT)  # fewer, and a single one decides
    assert min(map(len, texts)) < 5
    assert max(map(len, texts)) > 300
