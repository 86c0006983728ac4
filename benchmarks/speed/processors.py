"""What a core of each kind of processor reached, in the runs that were made on one."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.speed.figures import quotients

KINDS = (
    ("amx_int8", "AMX"),
    ("avx512_vnni", "AVX-512 with VNNI"),
    ("avx_vnni", "AVX2 with VNNI"),
    ("avx512f", "AVX-512"),
    ("avx2", "AVX2 alone"),
)
HANDS = ("hand loop fp32", "hand loop int8")
OURS = "textsieve auto"
SCRIPT = "competent script"


def kind(instructions: str) -> str:
    """The first of KINDS that a processor is.

    Example:
        >>> kind("avx2 avx512f avx512_vnni")
        'AVX-512 with VNNI'
    """
    known = set(instructions.split())
    return next((name for flag, name in KINDS if flag in known), "other")


def with_run(processors: Mapping[str, Any], found: Mapping[str, Any], machine: Mapping[str, str]) -> dict[str, Any]:
    """The rows of all kinds, that of this machine's replaced by what was found on it."""
    sides = found.get("side_by_side", {})
    if not {SCRIPT, OURS, *HANDS} <= sides.keys():
        return dict(processors)
    best = max(HANDS, key=lambda name: float(sides[name]["median"]))
    engine = found.get("engines", {}).get("forward", {}).get("auto", {}).get("engine", {})
    row = {
        "cpu": machine["cpu"],
        "script": sides[SCRIPT]["median"],
        **{name: sides[name]["median"] for name in HANDS},
        OURS: sides[OURS]["median"],
        "engine": f"{engine.get('engine', '')} {engine.get('precision', '')}".strip(),
        "beside_hand": quotients(sides[OURS]["rounds"], sides[best]["rounds"]).median,
        "rounds": len(sides[OURS]["rounds"]),
        "beside_script": round(median(sides[OURS]["rounds"]) / sides[SCRIPT]["median"], 3),
    }
    return {**processors, kind(machine["instructions"]): row}
