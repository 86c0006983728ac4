"""What the CUDA device says about itself."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One device at one moment.

    Attributes:
        memory_bytes: `used` on the device by anybody, `reserved` by this process, `total`.
        utilization: share of time in which it was busy lately, None without nvidia-ml-py.
    """

    index: str
    memory_bytes: Mapping[str, int]
    utilization: float | None


def gpu_reader() -> Callable[[], GpuReading] | None:
    """A function that reads the current CUDA device, or None where this process uses none."""
    if "torch" not in sys.modules:
        return None
    import torch  # noqa: PLC0415  # takes seconds: only where it is there already

    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):  # type: ignore[no-untyped-call]  # torch's own
        return None
    return _read


def _read() -> GpuReading:
    import torch  # noqa: PLC0415  # as above

    free, total = torch.cuda.mem_get_info()
    utilization = None
    # nvidia-ml-py may be absent, and its errors are of no type that is there without it: MIG devices, and some virtual
    # machines, know no utilisation, which must not cost the page of metrics
    with suppress(Exception):
        utilization = torch.cuda.utilization() / 100
    return GpuReading(
        index=str(torch.cuda.current_device()),
        memory_bytes={"used": total - free, "reserved": torch.cuda.memory_reserved(), "total": total},
        utilization=utilization,
    )
