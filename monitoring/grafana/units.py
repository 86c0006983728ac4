"""Numbers as Grafana writes them."""

import math
from collections.abc import Sequence


def shown(value: float, unit: str) -> str:
    """A number as Grafana writes it.

    Args:
        value: NaN where there is none.
        unit: by Grafana's name of it.
    """
    if not math.isfinite(value):
        return "-"
    match unit:
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "s":
            return _scaled(value, (("d", 86400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6)))
        case "bytes" | "Bps":
            scaled = _scaled(value, (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1)))
            return scaled + ("/s" if unit == "Bps" else "")
        case "cps":
            return f"{value:.3g} /s"
        case _ if unit.startswith("suffix:"):
            return f"{_scaled(value, (('M', 1e6), ('k', 1e3), ('', 1))).strip()}{unit.removeprefix('suffix:')}"
        case _:
            return _scaled(value, (("M", 1e6), ("k", 1e3), ("", 1))).strip()


def _scaled(value: float, units: Sequence[tuple[str, float]]) -> str:
    for name, size in units:
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return (
        f"{value / units[-1][1]:.2g} {units[-1][0]}" if value else f"0 {units[-1][0] if units[-1][0] != 'µs' else 's'}"
    )
