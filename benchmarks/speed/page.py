"""Writes a run's figures into the pages that show them, between marks: no figure is typed by hand."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.speed.figures import quotients
from benchmarks.speed.processors import KINDS
from benchmarks.speed.verdict import against_targets

ROOT = Path(__file__).parents[2]
PAGES = ("docs/benchmarks.md", "docs/scaling.md", "README.md")
ROW_BYTES = 384 * 4 + 64  # of a result that is not learned yet: worker.clustering.online counts so
MARK_BYTES = 60  # of a partition's watermark in the store, about
CONFLICTS = 0.1  # lost races that cost little: one learn in ten is done twice
MIB, GB = 1024**2, 1e9
SIZES = ((1, 1_000), (10, 10_000), (100, 100_000), (1_000, 1_000_000))  # workers, messages a second together


def update(found: Mapping[str, Any], root: Path = ROOT) -> list[Path]:
    """Rewrite every marked block of the pages; returns those that changed."""
    changed = []
    for name in PAGES:
        path = root / name
        before = path.read_text(encoding="utf-8")
        after = filled(before, found)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed


def filled(page: str, found: Mapping[str, Any]) -> str:
    """A page whose blocks `<!-- measured NAME -->` ... `<!-- end -->` hold the figures of a run."""

    def fill(block: re.Match[str]) -> str:
        return f"{block[1]}\n\n{blocks()[block[2]](found).strip()}\n\n{block[3]}"

    return re.sub(r"(<!-- measured ([a-z-]+) -->).*?(<!-- end -->)", fill, page, flags=re.DOTALL)


def on_paper(clusters: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """State, bandwidth and conflicts at sizes that no machine of ours has."""
    for told in (clusters["64"], clusters["1000"]):
        for workers, per_second in SIZES:
            state = told["state_bytes"] + MARK_BYTES * workers
            hold = told["learn_ms"] / 1000  # from reading the revision to the compare-and-set: a learn at most
            every = max(1.0, (workers - 1) * hold / -math.log(1 - CONFLICTS))
            yield {
                "workers": workers,
                "per_second": per_second,
                "k": told["k"],
                "state_bytes": state,
                "gb_per_second": 2 * state * workers / GB,
                "lost": 1 - math.exp(-(workers - 1) * hold),
                "learn_seconds": every,
                "held_mib": per_second / workers * every * ROW_BYTES / MIB,
            }


@cache
def blocks() -> dict[str, Any]:
    """The macros of page.md.j2 by the names that the pages have for them."""
    environment = Environment(  # noqa: S701  # Markdown, not HTML
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=False
    )
    environment.filters["f"] = format
    environment.globals |= {
        "against_targets": against_targets,
        "on_paper": on_paper,
        "processor_kinds": [*(name for _, name in KINDS), "other"],
        "quotients": quotients,
    }
    macros = environment.get_template("page.md.j2").module
    names = (name for name in vars(macros) if not name.startswith("_"))
    return {name.replace("_", "-"): getattr(macros, name) for name in names}
