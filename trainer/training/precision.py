"""The arithmetic that a network learns in."""

from contextlib import AbstractContextManager
from typing import Literal

import torch

from textsieve.trainer.training.config import Precision
from textsieve.worker.inference.cpu_info import Cpu, this_cpu
from textsieve.worker.inference.engines.torch import choose_device


def training_precision(
    wanted: Literal["auto", "fp32", "bf16"], *, device: Literal["auto", "cpu", "cuda"], cpu: Cpu | None = None
) -> Precision:
    """`auto` is bf16 where the device multiplies in it, else float32: emulated it is slower.

    Args:
        wanted: what the command line says.
        device: where the network will learn.
        cpu: this machine's if None.

    Raises:
        ConfigurationError: the device is not there.
    """
    if wanted != "auto":
        return wanted
    if choose_device(device).type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if (cpu or this_cpu()).native_bf16 else "fp32"


def autocast(precision: Precision, *, device: torch.device) -> AbstractContextManager[object]:
    """What a forward pass runs in: products in bf16 if told so; weights, sums, losses and steps are float32 always."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
