"""Pooling sees real tokens only."""

import pytest
import torch

from textsieve.worker.inference.networks.modules import pool

HIDDEN = torch.tensor([[[3.0, 0.0], [0.0, 3.0], [9.0, 9.0]]])  # one text of two tokens, padded to three
MASK = torch.tensor([[1, 1, 0]])


def test_the_mean_leaves_padding_out():
    assert pytest.approx([0.5**0.5, 0.5**0.5]) == pool(HIDDEN, MASK, "mean")[0].tolist()


def test_cls_takes_the_first_token():
    assert [1.0, 0.0] == pool(HIDDEN, MASK, "cls")[0].tolist()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_embeddings_are_float32_of_length_one_whatever_the_network_computes_in(pooling):
    embedding = pool(HIDDEN.bfloat16(), MASK, pooling)

    assert torch.float32 == embedding.dtype
    assert pytest.approx(1.0) == embedding.norm().item()
