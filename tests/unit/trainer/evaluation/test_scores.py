"""Scores match hand counts, for exclusive and for independent labels."""

import numpy as np
import pytest

from textsieve.trainer.evaluation.scores import macro_f1, score, score_decisions

ONE = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]], dtype=np.float32)
TRUE = np.array([[True, False], [True, False], [False, True], [False, True]])


def test_exclusive_labels():
    scores = score(ONE, TRUE, names=("ham", "spam"), multi_label=False)

    ham, spam = scores.labels
    assert pytest.approx((0.75, 0.75, (2 / 3 + 0.8) / 2)) == (scores.accuracy, scores.micro.f1, scores.macro.f1)
    assert pytest.approx((1.0, 0.5, 2 / 3)) == (ham.scores.precision, ham.scores.recall, ham.scores.f1)
    assert pytest.approx((2 / 3, 1.0, 1.0)) == (spam.scores.precision, spam.scores.recall, spam.roc_auc)
    assert pytest.approx(2 / np.sqrt(12)) == scores.mcc
    assert [[1, 1], [0, 2]] == scores.confusion.tolist()


def test_independent_labels_are_each_a_question():
    probabilities = np.array([[0.9, 0.9], [0.9, 0.2], [0.1, 0.1]], dtype=np.float32)
    targets = np.array([[True, True], [True, True], [False, False]])

    scores = score(probabilities, targets, names=("a", "b"), multi_label=True)

    assert scores.confusion is None
    assert pytest.approx((2 / 3, 6 / 7, (1 + 2 / 3) / 2)) == (scores.accuracy, scores.micro.f1, scores.macro.f1)


def test_a_label_that_never_holds_has_no_ranking():
    targets = np.array([[True, False]] * 4)

    scores = score(ONE, targets, names=("ham", "spam"), multi_label=False)

    assert [None, None] == [label.roc_auc for label in scores.labels]
    assert scores.roc_auc is None


@pytest.mark.parametrize("seed", range(5))
def test_the_macro_f1_is_the_same_alone_and_among_all_scores(seed):
    targets, decided = np.random.default_rng(seed).random((2, 12, 6)) < 0.2
    targets[:, 0] = decided[:, 0] = False

    scores = score_decisions(targets, decided, names="abcdef", multi_label=True)

    assert pytest.approx(scores.macro.f1) == macro_f1(targets, decided)
