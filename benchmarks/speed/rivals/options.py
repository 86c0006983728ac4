"""What every rival is told on its command line."""

import argparse
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

POLL = 500  # messages: what the recipes of micro-batching consumers take
CLUSTERS = 64  # as the worker's default
WINDOW = 256  # tokens: as the worker's default model


@dataclass(frozen=True, slots=True)
class RivalOptions:
    """Where to read, where to write, and with which model.

    Attributes:
        model: folder of the sequence classifier, the encoder and the ONNX files that `benchmarks.speed.models` made.
        variant: which of a rival's variants runs.
    """

    bootstrap: str
    input: str
    output: str
    group: str
    model: Path
    variant: str


def parse_options() -> RivalOptions:
    """The options from the command line; SIGTERM ends the process as ctrl-C would."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "input", "output", "group"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--model", type=Path, default=Path())
    parser.add_argument("--variant", default="")
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return RivalOptions(**vars(told))
