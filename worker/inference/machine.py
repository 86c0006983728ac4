"""What the CPU can do, and which one it is."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
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
