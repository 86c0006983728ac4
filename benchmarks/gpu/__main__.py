"""`python -m benchmarks.gpu`: what a CUDA device gives, in at most 8 minutes, into benchmarks/results/gpu-DEVICE.json.

Every section is written down when it is done; one that fails is noted and the next one goes on: time on a device may
not come again. `--device cpu --quick` tries the program where there is no device, and writes no file.
"""

import argparse
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import torch
from rich.console import Console

from benchmarks.gpu import workers
from benchmarks.gpu.agreement import agreement, when_full
from benchmarks.gpu.device import Device, described, roof, slug
from benchmarks.gpu.loops import Plain, loops
from benchmarks.gpu.passes import passes
from benchmarks.gpu.plan import FULL, QUICK, Plan
from benchmarks.speed.texts import chosen, cycled, data_folder
from benchmarks.tables import table
from textsieve.worker.inference.bundle.encoder_source import encoder_folder
from textsieve.worker.inference.bundle.manifest import SHIPPED
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.settings import ModelSettings

RESULTS = Path(__file__).parents[1] / "results"
LEAST_LEFT_SECONDS = {"workers": 150.0}  # of those that take long


@dataclass(slots=True)
class Run:
    """One run and what it has found so far."""

    device: Device
    plan: Plan
    seed: int
    texts: tuple[str, ...]
    found: dict[str, Any]
    _predictors: dict[str, TransformerPredictor] = field(default_factory=dict)

    @property
    def predictors(self) -> dict[str, TransformerPredictor]:
        """One for each arithmetic, loaded once."""
        if not self._predictors:
            self._predictors = {
                name: load_predictor(self.device.settings(precision=name)) for name in self.device.precisions
            }
        return self._predictors

    def roof(self) -> Any:
        """See benchmarks.gpu.device."""
        return roof(self.device, size=self.plan.roof_size, copied=self.plan.roof_bytes)

    def agreement(self) -> Any:
        """See benchmarks.gpu.agreement."""
        return agreement(self.device, self.texts[: self.plan.compared], self.predictors)

    def full(self) -> Any:
        """See benchmarks.gpu.agreement."""
        return when_full(self.device, self.texts[: self.plan.compared])

    def passes(self) -> Any:
        """See benchmarks.gpu.passes."""
        return passes(self.device, self._timed, self.predictors, plan=self.plan, seed=self.seed)

    def loops(self) -> Any:
        """See benchmarks.gpu.loops."""
        bundle = read_bundle(SHIPPED if self.device.model == "default" else Path(self.device.model))
        folder = encoder_folder(bundle, cache=ModelSettings().cache_folder)
        plain = Plain(self.device, str(folder), bundle, self.device.usual)
        texts = self._timed[: self.plan.looped]
        return loops(self.device, texts, self.predictors[self.device.usual], plain, plan=self.plan, seed=self.seed)

    def workers(self) -> Any:
        """See benchmarks.gpu.workers; the latency goes with it, for it needs the same broker and the rate."""
        self._predictors.clear()
        with workers.UnpinnedTestBed.opened() as testbed:
            found = workers.sweep(testbed, self.texts, self.device, plan=self.plan)
            self.found["workers"] = found
            rate = found["1 worker"]["messages_per_second"]["median"]
            self.found["latency"] = workers.latency(
                testbed, self.texts, self.device, full_per_second=rate, plan=self.plan, seed=self.seed
            )
        return found

    @property
    def _timed(self) -> list[str]:
        return cycled(self.texts, self.plan.texts)


SECTIONS = ("roof", "agreement", "full", "passes", "loops", "workers")
ON_CUDA_ONLY = frozenset({"full"})


def main() -> int:
    """Measure, write, print; 1 where a section failed."""
    options = _options()
    warnings.simplefilter("ignore")
    device = Device(torch.device(options.device), options.model)
    if device.is_cuda and not torch.cuda.is_available():
        raise SystemExit("--device: expected a CUDA device that torch finds, got none; --device cpu tries the program")
    plan = QUICK if options.quick else FULL
    if options.workers:
        plan = replace(plan, workers=tuple(map(int, options.workers.split(","))), variants=False)
    console = Console(stderr=True)
    texts = chosen(seed=options.seed, folder=data_folder())
    about = {
        "machine": described(device),
        "seed": options.seed,
        "texts": texts.origin,
        "distinct_texts": len(texts.rows),
        "model": options.model_note,
        "plan": msgspec.to_builtins(plan),
        "load_before": round(os.getloadavg()[0], 2),
        "seconds": {},
    }
    run = Run(device, plan, options.seed, texts.rows, {"about": about})
    path = options.results / f"gpu-{slug(about['machine']['device'])}.json"
    write = None if options.quick or options.only else path
    began = time.monotonic()
    wanted = options.only.split(",") if options.only else SECTIONS
    for name in wanted:
        if name in ON_CUDA_ONLY and not device.is_cuda:
            continue
        left = options.limit - (time.monotonic() - began)
        if left < LEAST_LEFT_SECONDS.get(name, 10.0):
            run.found[name] = {"fault": f"not measured: {left:.0f} s were left"}
            continue
        console.print(f"[bold]{name}[/] ({time.monotonic() - began:.0f} s so far)", highlight=False)
        _section(run, name, getattr(run, name), write)
    show(run.found, console)
    if options.json:
        print(json.dumps(run.found))
    return int(any("fault" in run.found.get(name, {}) for name in wanted))


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print what was measured; a section that failed says why."""
    console.print(f"[bold]{found['about']['machine']['device']}[/]", highlight=False)
    for name in (*SECTIONS, "latency"):
        section = found.get(name, {})
        if "fault" in section:
            console.print(f"{name}: {section['fault']}", markup=False, highlight=False)
        elif section:
            nested = {key: value for key, value in section.items() if isinstance(value, Mapping)}
            console.print(table(name, section.get("arms", nested or section)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--model", default="default", help="a bundle, as model.path")
    parser.add_argument("--model-note", default="as shipped", help="what the results say of the model's weights")
    parser.add_argument("--quick", action="store_true", help="as little as shows that everything runs; no file")
    parser.add_argument("--only", default="", help=f"some of {','.join(SECTIONS)}; no file")
    parser.add_argument("--workers", default="", help="numbers of workers, comma separated, and nothing beside them")
    parser.add_argument("--limit", type=float, default=460.0, help="seconds after which no section begins")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the file goes")
    return parser.parse_args()


def _section(run: Run, name: str, measure: Callable[[], Any], path: Path | None) -> None:
    began = time.monotonic()
    try:
        run.found[name] = msgspec.to_builtins(measure())
    except (Exception, SystemExit) as error:  # noqa: BLE001  # of whatever kind: the other sections can still be had
        traceback.print_exc()
        run.found[name] = {"fault": f"{type(error).__name__}: {str(error)[:500]}"}
    run.found["about"]["seconds"][name] = round(time.monotonic() - began, 1)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(run.found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
