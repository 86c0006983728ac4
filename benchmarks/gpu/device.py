"""The device under test: what it is, what it does at most, how much memory is taken. A CPU stands in for trying."""

import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from benchmarks.machine import cpu
from textsieve.worker.inference.gpu_info import gpu_reader
from textsieve.worker.settings import ModelSettings

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scikit-learn", "kafka-python", "confluent-kafka", "redis")
ROOF_SIZE = 8192  # rows and columns of the product that the roof is taken from
ROOF_BYTES = 2 << 30  # that the copy moves


@dataclass(frozen=True, slots=True)
class Device:
    """Where the model runs.

    Attributes:
        model: folder or name, as model.path.
    """

    torch: torch.device
    model: str

    @property
    def is_cuda(self) -> bool:
        """Whether it is what this is about."""
        return self.torch.type == "cuda"

    @property
    def precisions(self) -> tuple[str, ...]:
        """The arithmetics to compare; a CPU that stands in computes in one."""
        return ("bf16", "fp16", "fp32") if self.is_cuda else ("fp32",)

    @property
    def usual(self) -> str:
        """The arithmetic that the worker takes."""
        return self.precisions[0]

    def settings(self, **options: Any) -> ModelSettings:
        """Of a model on this device; of torch where the device is a CPU."""
        chosen = {"device": self.torch.type, "path": self.model, "cache_messages": 0}
        engine = {} if self.is_cuda else {"engine": "torch", "max_batch_tokens": 512}
        return ModelSettings.model_validate({**chosen, **engine, **options})

    def await_done(self) -> None:
        """Until everything that was begun is done."""
        if self.is_cuda:
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object], *, times: int) -> float:
        """The median of so many runs, each awaited."""
        found = []
        for _ in range(times):
            self.await_done()
            began = time.perf_counter()
            work()
            self.await_done()
            found.append(time.perf_counter() - began)
        return statistics.median(found)

    def forget_peak(self) -> None:
        """Give back what is cached and count the peak from here."""
        if self.is_cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def peak_mib(self) -> dict[str, float]:
        """What torch had allocated and reserved at most; empty on a CPU."""
        if not self.is_cuda:
            return {}
        allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        return {"allocated": round(allocated / 2**20, 1), "reserved": round(reserved / 2**20, 1)}

    def used_mib(self) -> float:
        """What everybody together takes of the device now; 0 on a CPU."""
        if not self.is_cuda:
            return 0.0
        free, total = torch.cuda.mem_get_info()
        return round((total - free) / 2**20, 1)

    def utilization(self) -> float | None:
        """The share of time in which it was busy lately, as the worker's metric has it."""
        read = gpu_reader()
        return None if read is None else read().utilization


def described(device: Device) -> dict[str, Any]:
    """The machine and the versions of what was used."""
    about: dict[str, Any] = {
        "device": cpu() if not device.is_cuda else torch.cuda.get_device_name(),
        "cpu": f"{os.cpu_count()} x {cpu()}",
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }
    if device.is_cuda:
        told = torch.cuda.get_device_properties(device.torch)
        about |= {
            "cuda": torch.version.cuda,
            "capability": f"{told.major}.{told.minor}",
            "multiprocessors": told.multi_processor_count,
            "memory_mib": told.total_memory >> 20,
        }
    return about


def slug(name: str) -> str:
    """A name as part of a file's.

    Example:
        >>> slug("NVIDIA H100 80GB HBM3")
        'nvidia-h100-80gb-hbm3'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def roof(device: Device, *, size: int = ROOF_SIZE, copied: int = ROOF_BYTES) -> dict[str, float]:
    """What the device does at most: TFLOP/s of a large product in each arithmetic, GB/s of a copy, read and written."""
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)):
        if name not in device.precisions:
            continue
        a = torch.randn((size, size), device=device.torch).to(dtype)
        b = torch.randn((size, size), device=device.torch).to(dtype)
        torch.mm(a, b)
        seconds = device.seconds(lambda a=a, b=b: torch.mm(a, b), times=5)  # type: ignore[misc]
        found[f"{name}_tflop_per_second"] = round(2 * size**3 / seconds / 1e12, 2)
    source = torch.zeros(copied, dtype=torch.uint8, device=device.torch)
    target = torch.empty_like(source)
    target.copy_(source)
    found["copy_gb_per_second"] = round(2 * copied / device.seconds(lambda: target.copy_(source), times=5) / 1e9, 1)
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
