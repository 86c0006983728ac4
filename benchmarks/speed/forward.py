"""The model alone on one core and on two at the same time: how much of a second core the hardware gives at all.

`forward.py TASK.json` answers texts in a process of its own from a given moment on; its last line is the rate.
"""

import sys
import time
import warnings
from pathlib import Path
from secrets import token_hex

import msgspec

from benchmarks.speed.engines import POLL, variants
from benchmarks.speed.testbed import TestBed
from textsieve.worker.inference.loading import load_predictor

START_SECONDS = 15.0  # a child imports torch and opens a graph that lies in the cache
SECONDS = 5.0
PATIENCE_SECONDS = 120.0


class Task(msgspec.Struct):
    """What a child does.

    Attributes:
        begin: Unix time in seconds at which all children start.
    """

    begin: float
    texts: list[str]
    cache: str


def together(testbed: TestBed, texts: tuple[str, ...], *, processes: int) -> float:
    """Texts per second of so many processes, each on a core of its own, added up."""
    path = testbed.directory / f"forward-{token_hex(4)}.json"
    path.write_bytes(
        msgspec.json.encode(Task(time.time() + START_SECONDS, list(texts[:POLL]), str(testbed.directory / "cache")))
    )
    cores = testbed.cores.all
    children = [
        testbed.start(
            f"{path.stem}-{number}",
            ["-m", "benchmarks.speed.forward", str(path)],
            core=cores[-1 - number % len(cores)] if cores else None,
        )
        for number in range(processes)
    ]
    codes = [child.wait(patience_seconds=PATIENCE_SECONDS) for child in children]
    if any(codes):
        raise SystemExit(f"the model alone could not be measured:\n{children[0].tail(30)}")
    return sum(float(child.tail(1)) for child in children)


def main() -> None:
    """Warm up, wait for the moment, answer the texts again and again."""
    warnings.simplefilter("ignore")
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    predictor = load_predictor(variants(Path(task.cache))["auto"])
    predictor.predict(task.texts)
    late = time.time() - task.begin
    if late > 0:
        raise SystemExit(f"expected to be ready in {START_SECONDS} s, got {late:.1f} s late: is the machine busy?")
    time.sleep(-late)
    began, done = time.perf_counter(), 0
    while (lasted := time.perf_counter() - began) < SECONDS:
        predictor.predict(task.texts)
        done += len(task.texts)
    print(done / lasted)


if __name__ == "__main__":
    main()
