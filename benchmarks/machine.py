"""What a result says about where it was measured."""

import os
import platform
from importlib import metadata
from pathlib import Path


def described(*packages: str) -> dict[str, str]:
    """CPU, Python and the versions of some packages."""
    return {
        "cpu": f"{os.cpu_count()} x {cpu()}",
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }


def cpu() -> str:
    """The processor's name as the kernel gives it, else its architecture."""
    return next((line.partition(":")[2].strip() for line in cpu_lines() if "model name" in line), platform.machine())


def cpu_lines() -> list[str]:
    """What the kernel says about the processors; nothing where there is no Linux."""
    page = Path("/proc/cpuinfo")
    return page.read_text(encoding="utf-8").splitlines() if page.exists() else []
