"""Training computes in bf16 where the processor does, and keeps its weights in float32."""

import numpy as np
import pytest
import torch
from safetensors import safe_open

from textsieve.trainer.training.precision import autocast, training_precision
from textsieve.worker.inference.cpu_info import Cpu


@pytest.mark.parametrize(
    ("wanted", "flags", "expected"),
    [
        ("auto", {"avx2", "avx512_bf16"}, "bf16"),
        ("auto", {"avx2"}, "fp32"),
        ("fp32", {"avx512_bf16"}, "fp32"),
        ("bf16", {"avx2"}, "bf16"),
    ],
)
def test_bf16_is_taken_where_the_processor_multiplies_in_it_unless_told_otherwise(wanted, flags, expected):
    cpu = Cpu(name="some", flags=frozenset(flags))

    assert expected == training_precision(wanted, device="cpu", cpu=cpu)


@pytest.mark.parametrize(("precision", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_computed_as_told(precision, expected):
    device = torch.device("cpu")

    with autocast(precision, device=device):
        product = torch.nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3))

    assert expected == product.dtype


def test_weights_stay_in_float32_and_near_those_of_float32(tmp_path, texts, encoder_folder, run_trainer):
    weights = {}
    for precision in ("fp32", "bf16"):
        out = tmp_path / precision
        options = ("--encoder", encoder_folder, "--precision", precision, "--epochs", 2, "--threads", 1)
        assert 0 == run_trainer("fit", texts, "--out", out, *options).exit_code
        with safe_open(out / "model.safetensors", framework="np") as file:
            weights[precision] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping

    assert {np.dtype(np.float32)} == {tensor.dtype for tensor in weights["bf16"].values()}
    moved = [np.abs(weights["bf16"][name] - weights["fp32"][name]).max() for name in weights["fp32"]]
    assert 0 < max(moved) < 1e-3
