"""Logits and what becomes of them."""

import numpy as np
import pytest
import torch

from worker.inference.heads import LinearHead, NoHead, activation_of


def test_a_linear_head_is_a_matrix_and_a_bias():
    head = LinearHead(np.array([[1, 0], [0, 2]], dtype=np.float32), np.array([0, 1], dtype=np.float32))

    logits = head(torch.tensor([[3.0, 4.0]]))

    assert [[3.0, 9.0]] == logits.tolist()


def test_exclusive_labels_sum_to_one():
    probabilities = activation_of(multi_label=False)(torch.tensor([[1.0, 2.0, 3.0]]))

    assert pytest.approx(1.0) == probabilities.sum().item()


def test_labels_that_may_hold_at_once_do_not_compete():
    probabilities = activation_of(multi_label=True)(torch.tensor([[9.0, 9.0, -9.0]]))

    assert [True, True, False] == (probabilities > 0.5)[0].tolist()


def test_no_head_has_no_labels():
    assert (3, 0) == tuple(activation_of(multi_label=True)(NoHead()(torch.ones(3, 4))).shape)
