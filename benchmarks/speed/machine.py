"""What a result must say about where it was measured."""

import os
import platform
from importlib import metadata
from pathlib import Path

from benchmarks.machine import cpu, cpu_lines

PACKAGES = (
    "confluent-kafka",
    "kafka-python",
    "numpy",
    "onnxruntime",
    "quixstreams",
    "redis",
    "scikit-learn",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
)
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def described(quix: Path) -> dict[str, str]:
    """CPU, system and versions; `quix` is the folder that quix-streams lives in."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            folders = sorted(quix.glob(f"{package}-*.dist-info"))
            found[package] = folders[0].name.split("-")[1].removesuffix(".dist") if folders else "absent"
    flags = next((line.split() for line in cpu_lines() if line.startswith("flags")), [])
    return {
        "cpu": f"{os.cpu_count()} x {cpu()}",
        "instructions": " ".join(name for name in INSTRUCTIONS if name in flags),
        "system": platform.platform(),
        "python": platform.python_version(),
        **found,
    }


def load() -> float:
    """Processes that wanted a core in the last minute: more than our own two mean a disturbed run."""
    return round(os.getloadavg()[0], 2)
