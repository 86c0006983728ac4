"""How fast what learns, and in which arithmetic."""

from typing import Literal

import torch

from trainer.recipe import Precision, Recipe
from worker.inference.machine import this_cpu
from worker.inference.networks import EncoderNetwork


def choose_precision(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """`auto` is bf16 where the device multiplies in it: elsewhere it is emulated, and slower than fp32."""
    if wanted != "auto":
        return wanted
    native = (
        torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else this_cpu().native_bf16
    )
    return "bf16" if native else "fp32"


def rate_factor(step: int, *, steps: int, warmup: float) -> float:
    """The learning rate of a step over its peak: a linear rise, then a linear fall to 0 after the last step."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return (steps - step) / max(1, steps - rise)


def make_optimizer(network: EncoderNetwork, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with weight decay on the encoder's matrices only, and a learning rate of its own for the head.

    Reference:
        Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """
    encoder = list(network.encoder.parameters())
    return torch.optim.AdamW(
        [
            {"params": [one for one in encoder if one.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [one for one in encoder if one.ndim <= 1], "weight_decay": 0.0},
            {"params": list(network.head.parameters()), "weight_decay": 0.0, "lr": recipe.head_learning_rate},
        ],
        lr=recipe.learning_rate,
        fused=True,
    )
