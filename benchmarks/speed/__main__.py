"""`python -m benchmarks.speed`: everything, or with --quick what the keys of its JSON line need."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from benchmarks.speed import page, plots, processors, sections
from benchmarks.speed.machine import described, load
from benchmarks.speed.plan import FULL, QUICK, ROW, Plan
from benchmarks.speed.testbed import TestBed
from benchmarks.speed.verdict import against_targets, verdict
from benchmarks.tables import table

RESULTS = Path(__file__).parents[1] / "results"
QUIX = Path(sys.prefix) / "quix"


@dataclass(slots=True)
class Run:
    """One run and what it has found so far."""

    testbed: TestBed
    plan: Plan
    seed: int
    found: dict[str, Any]
    console: Console
    began: float

    def section(self, name: str, measure: Callable[[], Any]) -> None:
        """Measure one section and say how long it took."""
        start = time.monotonic()
        self.console.print(f"[bold]{name}[/] (load {load()}) ...")
        self.found[name] = msgspec.to_builtins(measure())
        self.console.print(f"  {name}: {time.monotonic() - start:.0f} s, {time.monotonic() - self.began:.0f} s in all")


def main() -> int:
    """Measure, write the results, print the table; 0 unless something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="(a), (b) and the road alone, under 6 minutes, no files")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--seed", type=int, default=1, help="of texts, orders and schedules")
    parser.add_argument("--only", default="", help="sections, comma separated; for trying, writes no files")
    parser.add_argument("--again", default="", help="sections to measure anew and put into the last full run's files")
    parser.add_argument("--row", action="store_true", help="add only this processor's row to the last full run's files")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the files go")
    options = parser.parse_args()
    console = Console(stderr=True)
    plan = QUICK if options.quick else ROW if options.row else FULL
    chosen = options.only or options.again
    wanted = tuple(chosen.split(",")) if chosen else plan.sections
    speed = options.results / "speed.json"
    last = json.loads(speed.read_text(encoding="utf-8")) if speed.is_file() else {}
    machine = described(QUIX)
    console.print(f"{machine['cpu']}: {processors.kind(machine['instructions'])} ({machine['instructions']})")
    with TestBed.opened() as testbed:
        run = Run(testbed, plan, options.seed, last if options.again else {}, console, time.monotonic())
        setup = sections.Setup.prepare(testbed, plan, seed=options.seed, quix=QUIX, console=console)
        found = run.found
        about = {
            "machine": machine,
            "seed": options.seed,
            "texts": setup.texts.origin,
            "distinct_texts": len(setup.texts.rows),
            "cores": {"system": testbed.cores.system, "others": testbed.cores.others},
            "plan": msgspec.to_builtins(plan),
            "load_before": load(),
            "without": [] if setup.has_quix else ["quix-streams: its folder is not there (make bench makes it)"],
        }
        found.setdefault("about", about)
        for name in wanted:
            run.section(name, lambda name=name: getattr(sections, name)(setup, found))
        about |= {"load_after": load(), "seconds": round(time.monotonic() - run.began, 1)}
        if options.again:
            found["about"].setdefault("again", {}).update(dict.fromkeys(wanted, about))
    known = last.get("processors", {})
    found["processors"] = processors.with_run(known, found, machine) if "side_by_side" in wanted else known
    found["verdict"] = verdict(found)
    show(found, console)
    if options.row:
        last["processors"] = found["processors"]
        speed.write_text(json.dumps(last, indent=1) + "\n", encoding="utf-8")
        page.update(last)
    elif not options.quick and not options.only:
        options.results.mkdir(exist_ok=True)
        speed.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        plots.draw(found, options.results)
        page.update(found)
    if options.json:
        print(json.dumps(found["verdict"]))
    return 0


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print what was measured."""
    for name in ("side_by_side", "engines", "road", "latency", "repeats"):
        if name in found:
            console.print(table(name.replace("_", " "), found[name].get("forward", found[name])))
    console.print(table("against the targets", against_targets(found["verdict"])))


if __name__ == "__main__":
    sys.exit(main())
