"""What does it cost to watch a worker? The loop over memory, with and without metrics, with traces off and on.

Each arm runs the same messages through a whole worker whose source, sink and store are in memory and whose model costs
nothing, so that what watching takes is as large a part as it can be. The arms take turns, so that a machine that slows
down slows them all. Time is that of the process's CPU, the exporter's thread included.

    python benchmarks/observing.py --rounds 15
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from random import Random
from typing import Any

from _null import NullPredictor  # beside this script
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from threadpoolctl import threadpool_limits

from worker import logs
from worker.app import Doors, _traced
from worker.ceiling import DeadLetterCeiling
from worker.clustering.online import ClusterSpace, OnlineClusters
from worker.codec import Decoder, Encoder
from worker.connectors.traces import TracedSink, TracedSource, open_traces
from worker.health import Health
from worker.journal import Journal
from worker.loop import LoopSettings, StreamLoop
from worker.metrics import Metrics, SteadyRegistry
from worker.pace import Pace
from worker.pipeline import Pipeline
from worker.records import REASONS
from worker.settings import Settings, TraceSettings
from worker.testing import MemoryCentroidStore, MemoryLog, MemorySink, MemorySource

HERE = Path(__file__).parent
PARTITIONS = 6
WARM_UP = 4096  # messages that are not timed: the clusters are seeded by then
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-{:016x}-01"
LOG = logs.get_logger("bench")


class Silent:
    """A journal that tells nobody."""

    health = Health()
    log = LOG

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_arguments: object, **_named: object) -> None:
    return None


class Nowhere(SpanExporter):
    """A collector that takes no time."""

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """See SpanExporter."""
        del spans
        return SpanExportResult.SUCCESS


@dataclass(frozen=True, slots=True)
class Arm:
    """Microseconds of CPU per message, over all rounds."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written to results/observing.json."""

    messages: int  # per arm and round
    rounds: int
    batch_records: int
    microseconds_per_message: dict[str, Arm]
    metrics_microseconds: float  # of the lowest of all rounds, as the others were disturbed: metrics - silent
    traces_off_microseconds: float  # of: traces_off - metrics, which are the same objects
    traces_on_microseconds: float  # of: traces_on - metrics
    machine: dict[str, str]


@dataclass(slots=True)
class Bench:
    """Runs one arm over one log of messages.

    Attributes:
        batch: messages of an iteration.
    """

    messages: int
    batch: int
    predictor: NullPredictor = field(default_factory=NullPredictor)

    def microseconds(self, arm: str) -> float:
        """CPU time per message of a whole run."""
        log = self._log()
        loop, close = self._loop(arm, log)
        while len(log.results) < WARM_UP:
            loop.turn()
        loop.finish()
        before, began = len(log.results), time.process_time()
        while len(log.results) < self.messages:
            loop.turn()
        loop.finish()
        close()
        return (time.process_time() - began) / (self.messages - before) * 1e6

    def _loop(self, arm: str, log: MemoryLog) -> tuple[StreamLoop, Callable[[], None]]:
        doors, close = self._doors(arm, Doors(MemorySource(log), MemorySink(log)))
        space = ClusterSpace(self.predictor.card.fingerprint, "group", 16, 1000, 60.0)
        clusters = OnlineClusters(MemoryCentroidStore(), space, Random(1), _nothing)
        logs.configure(level="error", style="console")
        loop = StreamLoop(
            source=doors.source,
            sink=doors.sink,
            pipeline=Pipeline(
                Decoder(), self.predictor, clusters.assign, Encoder("null", "1"), lambda: time.time_ns() // 10**6
            ),
            clusters=clusters,
            settings=LoopSettings(0.0, 1.0, 3.0, 300.0, 2**26),
            pace=Pace(self.batch, 1e9),
            ceiling=DeadLetterCeiling(1.0, 1000, 10**9),
            journal=Silent() if arm == "silent" else Journal(_metrics(self.predictor), Health(), LOG, time.time),  # type: ignore[arg-type]
            rng=Random(1),
            clock=time.monotonic,
            wait=_nothing,
        )
        return loop, close

    def _doors(self, arm: str, doors: Doors) -> tuple[Doors, Callable[[], None]]:
        if arm == "traces_off":
            return _traced(Settings(), doors, "bench", None), _nothing  # type: ignore[arg-type]
        if arm != "traces_on":
            return doors, _nothing
        traces = open_traces(
            TraceSettings(endpoint="http://127.0.0.1:9/"),
            group="group",
            worker="bench",
            version="1",
            log=LOG,
            exporter=Nowhere(),
        )
        watched = Doors(TracedSource(doors.source, traces.spans), TracedSink(doors.sink, traces.spans))
        return watched, lambda: traces.close(timeout_seconds=10)

    def _log(self) -> MemoryLog:
        log = MemoryLog.of("messages", [], partitions=PARTITIONS)
        partitions = sorted(log.records)
        now_ms = time.time_ns() // 10**6
        for number in range(self.messages):
            log.append(
                partitions[number % PARTITIONS],
                b'{"id": "m%d", "text": "message number %d of a stream that is watched"}' % (number, number),
                timestamp_ms=now_ms,
                headers=[("traceparent", TRACEPARENT.format(number + 1).encode())],
            )
        return log


def _metrics(predictor: NullPredictor) -> Metrics:
    return Metrics(registry=SteadyRegistry(), labels=predictor.labels, reasons=REASONS, inputs=("messages",), k=16)


ARMS = ("silent", "metrics", "traces_off", "traces_on")


def measure(messages: int, rounds: int, batch: int) -> Outcome:
    """All arms, in turns, each round in another order."""
    bench, rng = Bench(messages, batch), Random(1)
    found: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for arm in ARMS:
        bench.microseconds(arm)  # warms caches
    for _ in range(rounds):
        for arm in rng.sample(ARMS, len(ARMS)):
            found[arm].append(bench.microseconds(arm))

    def between(upper: str, lower: str) -> float:
        return round(min(found[upper]) - min(found[lower]), 2)

    return Outcome(
        messages=messages,
        rounds=rounds,
        batch_records=batch,
        microseconds_per_message={
            arm: Arm(round(statistics.median(each), 2), round(min(each), 2), round(max(each), 2))
            for arm, each in found.items()
        },
        metrics_microseconds=between("metrics", "silent"),
        traces_off_microseconds=between("traces_off", "metrics"),
        traces_on_microseconds=between("traces_on", "metrics"),
        machine={
            "cpu": f"{os.cpu_count()} x {_cpu()}",
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("numpy", "prometheus-client", "opentelemetry-sdk")},
        },
    )


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def main() -> int:
    """Run and write results/observing.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=24_000, help="per arm and round; a multiple of 6")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=256, help="messages of an iteration")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        outcome = measure(arguments.messages, arguments.rounds, arguments.batch)
    text = json.dumps(asdict(outcome), indent=1)
    (HERE / "results" / "observing.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
