"""A label is given from its threshold on; exclusive models always give exactly one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.inference.decisions import argmax_label, assigned_labels
from textsieve.worker.inference.predictor import ModelCard

LABELS = ("ham", "spam", "offer")
probabilities = st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 3), min_size=1, max_size=20)


def card(thresholds=None, *, multi_label=False):
    return ModelCard("m", "1", LABELS, 2, 256, "f", multi_label=multi_label, thresholds=thresholds or {})


def decide(row, thresholds=None, *, multi_label=False):
    said = assigned_labels(np.asarray([row], np.float32), card(thresholds, multi_label=multi_label))
    return {label for label, holds in zip(LABELS, said[0], strict=True) if holds}


def test_without_thresholds_the_likeliest_label_is_given():
    assert {"spam"} == decide([0.3, 0.4, 0.3])


@pytest.mark.parametrize(("least", "expected"), [(0.7, "spam"), (0.71, "ham")])
def test_a_label_is_given_from_its_threshold_on(least, expected):
    assert {expected} == decide([0.2, 0.7, 0.1], {"spam": least})


def test_a_label_that_reaches_a_low_threshold_is_given_though_another_is_likelier():
    assert {"spam"} == decide([0.7, 0.25, 0.05], {"spam": 0.2})


def test_of_several_that_reach_theirs_the_likeliest_is_given():
    assert {"offer"} == decide([0.1, 0.4, 0.5], {"spam": 0.1, "offer": 0.5})


def test_what_reaches_no_threshold_is_given_the_best_label_without_one():
    assert {"ham"} == decide([0.2, 0.7, 0.1], {"spam": 0.8, "offer": 0.5})


def test_a_threshold_that_was_a_probability_is_reached_by_it():
    found = float(np.float32(0.1))

    assert {"spam"} == decide([0.9, 0.1, 0.0], {"spam": found})


def test_independent_labels_are_given_each_from_its_threshold_or_one_half_on():
    assert {"ham", "offer"} == decide([0.5, 0.6, 0.2], {"spam": 0.7, "offer": 0.2}, multi_label=True)


def test_independent_labels_may_all_fail():
    assert set() == decide([0.4, 0.4, 0.4], multi_label=True)


def test_the_likeliest_of_no_labels_is_the_likeliest_of_all():
    rows = np.asarray([[0.1, 0.4, 0.3], [0.1, 0.4, 0.3]], np.float32)
    held = np.asarray([[False, False, False], [True, False, True]])

    assert [1, 2] == argmax_label(rows, held).tolist()


@given(probabilities, st.dictionaries(st.sampled_from(LABELS[1:]), st.floats(0, 1)))
def test_exclusive_labels_are_one_each_and_none_is_given_below_its_threshold(rows, thresholds):
    values = np.asarray(rows, np.float32)

    said = assigned_labels(values, card(thresholds))

    assert (said.sum(axis=1) == 1).all()
    least = np.asarray([thresholds.get(label, 0.0) for label in LABELS], np.float32)
    assert (values[said] >= np.broadcast_to(least, values.shape)[said]).all()
