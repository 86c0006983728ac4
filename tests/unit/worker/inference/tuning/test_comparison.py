"""The fastest engine wins, if its answers are those of float32."""

import numpy as np
import pytest

from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.engines.report import LEAST_COSINE, MOST_LOSS, MOST_SHIFT, Trial
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tuning.comparison import choose, choose_budget, compare
from textsieve.worker.records import Predictions

NEAR = {"mean_cosine": LEAST_COSINE, "loss": MOST_LOSS}
EXACT = Trial("torch fp32", 100, 1.0, 1.0, loss=0.0, shift=0.0)
CARD = ModelCard("m", "1", ("ham", "spam"), 2, 256, "f")
SEVERAL = ModelCard("m", "1", ("rude", "threat"), 2, 256, "f", multi_label=True)
ACROSS, ALONG = (1.0, 0.0), (0.0, 1.0)


def chosen(*trials):
    return choose(trials)[0].name


def test_the_fastest_within_the_bounds_wins():
    assert "b" == chosen(EXACT, Trial("a", 200, **NEAR), Trial("b", 300, **NEAR))


@pytest.mark.parametrize("far", [{"loss": MOST_LOSS + 1e-4}, {"mean_cosine": LEAST_COSINE - 1e-4}])
def test_a_faster_one_that_differs_is_refused_by_name(far):
    winner, why = choose([EXACT, Trial("rough", 900, **{**NEAR, **far})])

    assert "torch fp32" == winner.name
    assert "rough refused" in why


def test_labels_that_change_where_nothing_is_lost_refuse_nobody():
    assert "int8" == chosen(EXACT, Trial("int8", 900, label_agreement=0.9, mean_cosine=1.0, loss=0.0001))


@pytest.mark.parametrize(("shift", "winner"), [(MOST_SHIFT, "int8"), (MOST_SHIFT + 1e-3, "torch fp32")])
def test_where_all_texts_get_one_label_the_probabilities_decide_and_the_report_says_so(shift, winner):
    blind = {"labels_tell": False, "loss": 0.0, "mean_cosine": 1.0}

    found, why = choose([Trial("torch fp32", 100, shift=0.0, **blind), Trial("int8", 900, shift=shift, **blind)])

    assert winner == found.name
    assert "nearly all calibration texts get one label" in why


def test_one_that_did_not_run_never_wins():
    assert "torch fp32" == chosen(EXACT, Trial("broken", fault="no such operator"))


def test_the_only_one_allowed_is_taken_though_it_differs():
    winner, why = choose([Trial("rough", 900, 0.5, 0.5)])

    assert "rough" == winner.name
    assert "differs from fp32" in why


def test_where_all_that_is_allowed_differs_the_fastest_of_it_is_taken():
    assert "b" == chosen(Trial("a", 10, 0.9, 0.9), Trial("b", 20, 0.9, 0.9))


def test_the_smallest_budget_that_is_nearly_the_best_wins():
    assert 1024 == choose_budget([(512, 50.0), (1024, 98.0), (2048, 100.0), (4096, 99.0)])


def answers(probabilities, embeddings=None):
    rows = len(probabilities)
    return Predictions(
        np.asarray(probabilities, np.float32),
        np.asarray(embeddings or [ACROSS] * rows, np.float32),
        np.ones(rows, np.int64),
        np.zeros(rows, np.bool_),
    )


def compared(mine, theirs, card=CARD):
    return compare("x", mine, theirs, rate=4.0, card=card)


def test_what_is_lost_is_how_much_likelier_the_other_label_was():
    trial = compared(answers([[0.6, 0.4], [0.6, 0.4]]), answers([[0.9, 0.1], [0.4, 0.6]]))

    assert (0.5, pytest.approx(0.1), 4.0) == (trial.label_agreement, trial.loss, trial.messages_per_second)


def test_a_label_with_a_threshold_loses_the_distance_from_it():
    card = ModelCard("m", "1", ("ham", "spam"), 2, 256, "f", thresholds={"spam": 0.8})

    trial = compared(answers([[0.21, 0.79]]), answers([[0.19, 0.81]]), card)

    assert (0.0, pytest.approx(0.01, abs=1e-6)) == (trial.label_agreement, trial.loss)


def test_each_independent_label_loses_by_itself():
    left, right = answers([[0.9, 0.8], [0.9, 0.8]]), answers([[0.6, 0.7], [0.9, 0.4]])

    trial = compared(left, right, SEVERAL)

    assert (0.5, pytest.approx(0.05)) == (trial.label_agreement, trial.loss)


def test_the_cosine_is_the_mean_over_texts():
    trial = compared(answers([[1.0, 0.0]] * 2), answers([[1.0, 0.0]] * 2, [ACROSS, (0.6, 0.8)]))

    assert pytest.approx(0.8) == trial.mean_cosine


@pytest.mark.parametrize(("spam", "tells"), [(0, False), (4, False), (5, True), (50, True)])
def test_labels_tell_something_where_one_text_in_twenty_is_given_another(spam, tells):
    said = answers([[0.1, 0.9]] * spam + [[0.9, 0.1]] * (100 - spam))

    assert tells == compared(said, said).labels_tell


def test_the_texts_are_distinct_and_of_many_lengths():
    texts = calibration_texts()

    assert len(texts) == len(set(texts)) >= 200
    assert max(map(len, texts)) > 2000


def test_blank_texts_and_many_scripts_are_among_them():
    texts = calibration_texts()
    scripts = {name for text in texts for name, (low, high) in SCRIPTS.items() if any(low <= c <= high for c in text)}

    assert set(SCRIPTS) == scripts
    assert any(not text.strip() for text in texts)
    assert "" not in texts


SCRIPTS = {
    "Cyrillic": ("\u0400", "\u04ff"),
    "Greek": ("\u0370", "\u03ff"),
    "Hebrew": ("\u0590", "\u05ff"),
    "Arabic": ("\u0600", "\u06ff"),
    "Devanagari": ("\u0900", "\u097f"),
    "Thai": ("\u0e00", "\u0e7f"),
    "kana": ("\u3040", "\u30ff"),
    "Han": ("\u4e00", "\u9fff"),
    "Hangul": ("\uac00", "\ud7af"),
}
