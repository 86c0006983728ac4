"""What this machine can compute with: its processor, how much of it, and whether there is a GPU."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_CGROUPS = Path("/sys/fs/cgroup")
# of NVIDIA's driver, of the same inside WSL, and of AMD's, whose torch calls its devices cuda too
_DRIVERS = (Path("/dev/nvidiactl"), Path("/proc/driver/nvidia/version"), Path("/dev/dxg"), Path("/dev/kfd"))
_ARM = frozenset({"aarch64", "arm64"})


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor as its operating system describes it.

    Attributes:
        name: architecture, model and number of cores: timings of one name hold for all of that name.
        flags: instruction sets, as Linux spells them; empty elsewhere.
    """

    name: str
    flags: frozenset[str]

    @property
    def native_bf16(self) -> bool:
        """Whether it multiplies in bfloat16; emulated it is far slower than float32."""
        return bool(self.flags & {"avx512_bf16", "amx_bf16", "bf16"})

    @property
    def sums_bytes_exactly(self) -> bool:
        """Whether sums of products of bytes go to 32 bits at once; AVX2 alone adds two of them in 16, and clips."""
        return bool(self.flags & {"avx512_vnni", "avx_vnni", "amx_int8"}) or self.name.split("/")[0] in _ARM


def this_cpu() -> Cpu:
    """The processor this process runs on."""
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.is_file() else []
    described = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = described.get("flags", described.get("Features", ""))
    model = described.get("model name") or platform.processor() or "unknown"
    return Cpu(name=f"{platform.machine()}/{model}/{os.cpu_count()}", flags=frozenset(flags.split()))


def has_gpu_driver() -> bool:
    """Whether a driver of GPUs is loaded: only then is it worth seconds to import torch and ask it for a device."""
    return any(path.exists() for path in _DRIVERS)


def allowed_processors() -> int:
    """The processors that this process may run on, two threads of one core counted twice."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_cores(*, cpuinfo: Path = _CPUINFO, cgroups: Path = _CGROUPS) -> int:
    """The cores this process may use: of its affinity and its control group, two threads of one core counted once.

    Args:
        cpuinfo: the processors as Linux describes them.
        cgroups: where control groups are mounted, of version 2 or 1.
    """
    limits = [allowed_processors(), _physical_cores(cpuinfo), _quota(cgroups)]
    return max(1, min(limit for limit in limits if limit))


def _physical_cores(cpuinfo: Path) -> int:
    """0 where it is not told."""
    cores, socket = set(), ""
    for line in cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []:
        key, _, value = line.partition(":")
        if key.strip() == "physical id":
            socket = value
        elif key.strip() == "core id":
            cores.add((socket, value))
    return len(cores)


def _quota(cgroups: Path) -> int:
    """Whole cores of the control group's quota, rounded up; 0 where there is none."""
    for quota, period in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        with suppress(OSError, ValueError, IndexError):
            told = (cgroups / quota).read_text(encoding="ascii").split()
            told += (cgroups / period).read_text(encoding="ascii").split() if period else []
            if int(told[0]) > 0:
                return -(-int(told[0]) // int(told[1]))
    return 0
