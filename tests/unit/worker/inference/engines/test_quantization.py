"""Weights in int8 by NumPy are those that torch would make."""

import numpy as np
import pytest
import torch
from torch import nn

from worker.inference.engines.operators import Linear8
from worker.inference.engines.quantization import EIGHT_BITS, SEVEN_BITS, quantize


@pytest.mark.parametrize("largest", [EIGHT_BITS, SEVEN_BITS])
@pytest.mark.parametrize("shape", [(16, 24), (48, 16), (1, 4)])
@pytest.mark.parametrize("lean", [0.0, 0.5])  # of all weights to one side: more corrections
def test_numpy_makes_the_bytes_that_torch_makes(largest, shape, lean):
    weight = (np.random.default_rng(5).normal(size=shape) + lean).astype(np.float32)
    linear = nn.Linear(shape[1], shape[0])
    linear.weight.data = torch.from_numpy(weight)

    ours, theirs = quantize(weight, largest=largest), Linear8(linear, largest=largest)

    assert theirs.weight.numpy().tobytes() == ours.weight.tobytes()
    assert tuple(theirs.weight.shape) == ours.weight.shape
    assert theirs.scale.numpy().tobytes() == ours.scale.tobytes()


def test_a_row_of_zeros_stays_one():
    quantized = quantize(np.zeros((2, 8), np.float32), largest=EIGHT_BITS)

    assert not quantized.weight.any()
