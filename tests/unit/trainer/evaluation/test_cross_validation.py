"""Scores are those of texts the head has not seen."""

import numpy as np
import pytest

from textsieve.trainer.evaluation.cross_validation import cross_validate, report_on_split
from textsieve.worker.errors import ConfigurationError

LABELS = np.array(["ham"] * 10 + ["spam"] * 10)


def one_hot(labels):
    return labels[:, None] == np.array([["ham", "spam"]])


def always_ham(train, test):
    return np.array(["ham"] * len(test))


def test_scores_match_hand_counts():
    labels = np.array(["ham", "ham", "spam", "spam"] * 2)
    said = np.array(["ham", "spam", "spam", "spam"])

    report = report_on_split(one_hot(labels), one_hot(np.tile(said, 2)), labels=("ham", "spam"), multi_label=False)

    expected = {
        "accuracy": 0.75,
        "macro_f1": (2 / 3 + 0.8) / 2,
        "ham.precision": 1.0,
        "ham.recall": 0.5,
        "ham.f1": 2 / 3,
        "spam.precision": 2 / 3,
        "spam.recall": 1.0,
        "spam.f1": 0.8,
    }
    assert pytest.approx(expected, abs=1e-4) == {name: score.mean for name, score in report.metrics.items()}
    assert ((4, 4), [[2, 2], [0, 4]]) == (report.support, report.confusion.tolist())


def test_a_label_that_is_never_predicted_scores_zero():
    report = cross_validate(LABELS, fit_and_predict=always_ham, folds=5, seed=0)

    assert (0.0, 0.0) == (report.metrics["spam.precision"].mean, report.metrics["spam.f1"].mean)


def test_every_text_is_counted_once_in_the_confusion():
    report = cross_validate(LABELS, fit_and_predict=always_ham, folds=5, seed=0)

    assert [[10, 0], [10, 0]] == report.confusion.tolist()


def test_no_text_is_tested_by_a_head_that_saw_it():
    def check(train, test):
        assert not set(train) & set(test)
        return np.array(["ham"] * len(test))

    cross_validate(LABELS, fit_and_predict=check, folds=5, seed=0)


def test_a_label_with_fewer_texts_than_folds_is_named():
    with pytest.raises(ConfigurationError, match=r"label 'spam': expected at least 11 distinct texts.*--folds"):
        cross_validate(LABELS[:15], fit_and_predict=always_ham, folds=11, seed=0)


def test_one_label_is_nothing_to_choose_between():
    with pytest.raises(ConfigurationError, match="expected at least 2 labels"):
        cross_validate(LABELS[:10], fit_and_predict=always_ham, folds=2, seed=0)


def test_a_group_is_never_on_both_sides():
    pairs = np.repeat(np.arange(10), 2).astype(str)
    judged = []

    def check(train, test):
        judged.extend(set(pairs[test]))
        assert not set(pairs[train]) & set(pairs[test])
        return np.array(["ham"] * len(test))

    cross_validate(LABELS, fit_and_predict=check, folds=5, seed=0, groups=pairs)

    assert sorted(set(pairs)) == sorted(judged)


def test_a_label_with_fewer_groups_than_folds_is_named():
    pairs = np.repeat(np.arange(10), 2).astype(str)

    with pytest.raises(ConfigurationError, match=r"label 'ham': expected at least 6 distinct groups"):
        cross_validate(LABELS, fit_and_predict=always_ham, folds=6, seed=0, groups=pairs)
