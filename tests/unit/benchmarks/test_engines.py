"""The roof counts what the encoder computes."""

from dataclasses import dataclass

import pytest

from benchmarks.speed.engines import flop_per_token


@dataclass(frozen=True)
class Config:
    hidden_size: int = 384
    intermediate_size: int = 1536
    num_hidden_layers: int = 6


def test_the_default_encoder_takes_21_million_operations_for_a_token():
    assert flop_per_token(Config(), tokens=0) == pytest.approx(21.2e6, rel=0.005)


def test_attention_grows_with_the_text():
    extra = flop_per_token(Config(), tokens=100) - flop_per_token(Config(), tokens=0)

    assert extra == 6 * 2 * 2 * 100 * 384
