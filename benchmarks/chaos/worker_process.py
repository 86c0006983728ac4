"""A real worker process with fault points.

`python -m benchmarks.chaos.worker_process CONTROL_DIRECTORY PLANT section.option=value ...`
"""

import sys
from pathlib import Path
from typing import cast

from benchmarks.chaos.control import FaultPoints
from benchmarks.chaos.fault_points import FaultPointSource, FaultPointStore, SlowPredictor
from benchmarks.chaos.mutants import Mutant, mutated
from benchmarks.chaos.transaction_points import sink_with_fault_points
from textsieve.worker import app
from textsieve.worker.clustering.centroids import CentroidStore
from textsieve.worker.commands.console import exit_codes
from textsieve.worker.loading import load_settings
from textsieve.worker.streams import Source


def main(arguments: list[str]) -> None:
    """Run until asked to stop, or until killed."""
    directory, mutant, *overrides = arguments
    points = FaultPoints(Path(directory))
    parts = app.Overrides(
        predictor=SlowPredictor(points),
        source=lambda part: cast("Source", FaultPointSource(part, points)),
        sink=lambda part: sink_with_fault_points(part, points),
        store=lambda part: cast("CentroidStore", FaultPointStore(part, points)),
    )
    with exit_codes():
        app.run(load_settings(overrides=overrides), overrides=mutated(Mutant(mutant), parts))


if __name__ == "__main__":
    main(sys.argv[1:])
