"""What a head makes of features, as torch would."""

import numpy as np
import pytest
import torch

from textsieve.worker.inference.heads.linear import Head
from textsieve.worker.inference.networks.heads import LinearHead, NoHead, activation_of

RNG = np.random.default_rng(3)
WEIGHT, BIAS = RNG.normal(size=(3, 8)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
FEATURES = (RNG.normal(size=(50, 8)) * 9).astype(np.float32)


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_linear_head_says_what_torch_says(multi_label):
    head = Head(multi_label=multi_label, weight=WEIGHT, bias=BIAS)

    said = head.probabilities(FEATURES)

    theirs = activation_of(multi_label=multi_label)(LinearHead(WEIGHT, BIAS)(torch.from_numpy(FEATURES)))
    assert pytest.approx(theirs.numpy(), abs=1e-6) == said
    assert np.float32 == said.dtype


def test_exclusive_labels_sum_to_one():
    assert pytest.approx(1.0) == Head(multi_label=False).probabilities(np.array([[1, 2, 300]], np.float32)).sum()


def test_labels_that_may_hold_at_once_do_not_compete():
    probabilities = Head(multi_label=True).probabilities(np.array([[9, 99, -900]], np.float32))

    assert [True, True, False] == (probabilities > 0.5)[0].tolist()


@pytest.mark.parametrize("multi_label", [False, True])
def test_what_is_no_number_stays_none(multi_label):
    said = Head(multi_label=multi_label).probabilities(np.array([[np.nan, 1, 2]], np.float32))

    assert np.isnan(said[0, 0])


@pytest.mark.parametrize("multi_label", [False, True])
def test_no_labels_have_no_probabilities(multi_label):
    assert (3, 0) == Head(multi_label=multi_label).probabilities(np.empty((3, 0), np.float32)).shape


def test_no_head_has_no_labels():
    assert (3, 0) == tuple(activation_of(multi_label=True)(NoHead()(torch.ones(3, 4))).shape)


def test_heads_differ_in_their_digests():
    heads = [Head(False), Head(True), Head(False, WEIGHT, BIAS), Head(False, -WEIGHT, BIAS), Head(False, WEIGHT, -BIAS)]

    assert 5 == len({head.digest() for head in heads})
