"""Measures how campaigns are told: `TEXTSIEVE_DATA=FOLDER python -m benchmarks.campaigns FILE`, half an hour."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from benchmarks.campaigns.days import Kind, day, live, summary
from benchmarks.campaigns.memberships import b_cubed, ordinary, run
from benchmarks.campaigns.planting import Part, stream
from benchmarks.machine import described
from textsieve.worker.campaigns.recent import CAPACITY, RecentMessages

SEEDS: Mapping[Part, tuple[int, ...]] = {"tuned": (1,), "held out": (101, 102)}
DAY_SEEDS = (201, 202)  # days 1, 101 and 102 were looked at


def memberships(data: Path) -> list[dict[str, Any]]:
    """Planted campaigns among real texts, with and without the original, by one worker and by two."""
    rows = []
    for part, seeds in SEEDS.items():
        for seed in seeds:
            for originals, workers in ((True, 1), (True, 2), (False, 1), (False, 2)):
                messages = stream(data, part, seed, originals=originals)
                found = run(messages, workers=workers)
                row = {
                    "texts": part,
                    "seed": seed,
                    "begins with the original": originals,
                    "workers": workers,
                    "messages": len(messages),
                    "b-cubed": b_cubed(messages, found.ids),
                    "ordinary": ordinary(messages, found.ids),
                    "cpu us a message": round(found.cpu_us, 1),
                }
                print(json.dumps(row), flush=True)
                rows.append(row)
    return rows


def days() -> dict[str, Mapping[str, float]]:
    """Simulated days of each kind."""
    rows = {}
    for kind in get_args(Kind):
        rows[kind] = summary([live(day(seed, kind), kind) for seed in DAY_SEEDS])
        print(kind, json.dumps(rows[kind]), flush=True)
    return rows


def main() -> None:
    """Write the result where the command line says."""
    result = {
        "memberships": memberships(Path(os.environ["TEXTSIEVE_DATA"])),
        "days": days(),
        "memory": {"messages": CAPACITY, "MB": RecentMessages().nbytes / 1e6},
        "machine": described("numpy", "scipy"),
    }
    Path(sys.argv[1]).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
