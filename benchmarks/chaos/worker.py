"""A real worker process with fault points.

`python -m benchmarks.chaos.worker CONTROL_DIRECTORY PLANT section.option=value ...`
"""

import sys
from pathlib import Path

from benchmarks.chaos.control import Gate
from benchmarks.chaos.plants import Plant, planted
from benchmarks.chaos.points import GatedSource, GatedStore, SlowPredictor
from benchmarks.chaos.transactions import gated_sink
from textsieve.worker import app
from textsieve.worker.__main__ import _exit_codes
from textsieve.worker.loading import load_settings


def main(arguments: list[str]) -> None:
    """Run until asked to stop, or until struck."""
    directory, plant, *overrides = arguments
    gate = Gate(Path(directory))
    parts = app.Parts(
        predictor=SlowPredictor(gate),
        source=lambda part: GatedSource(part, gate),
        sink=lambda part: gated_sink(part, gate),
        store=lambda part: GatedStore(part, gate),
    )
    with _exit_codes():
        app.run(load_settings(overrides=overrides), parts=planted(Plant(plant), parts))


if __name__ == "__main__":
    main(sys.argv[1:])
