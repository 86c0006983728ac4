"""What does it cost to watch a worker? The loop over memory, with and without metrics, with traces off and on.

Each arm is a whole worker whose source, sink and store are in memory and whose model costs nothing, so that what
watching takes is as large a part as it can be. Every message carries a `traceparent` of its own. The arms take turns,
iteration by iteration in random order, so that a disturbed machine disturbs them all alike. Time is the CPU time of the
loop's thread.

    python -m benchmarks.observing --rounds 4
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from threadpoolctl import threadpool_limits

from benchmarks._null import NullPredictor
from benchmarks.machine import described
from textsieve.worker import logs
from textsieve.worker.app import Doors, _traced
from textsieve.worker.ceiling import DeadLetterCeiling
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.codec import Decoder, Encoder
from textsieve.worker.connectors.traces import TracedSink, TracedSource, open_traces
from textsieve.worker.health import Health
from textsieve.worker.journal import Journal
from textsieve.worker.loop import LoopSettings, StreamLoop
from textsieve.worker.metrics import Metrics, SteadyRegistry
from textsieve.worker.pace import Pace
from textsieve.worker.pipeline import Pipeline
from textsieve.worker.records import REASONS
from textsieve.worker.settings import Settings, TraceSettings
from textsieve.worker.testing import MemoryCentroidStore, MemoryLog, MemorySink, MemorySource

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
class Spread:
    """Microseconds per message, over all iterations."""

    median: float
    quarter: float
    three_quarters: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written to results/observing.json."""

    iterations: int  # of each arm
    batch_records: int
    microseconds_per_message: dict[str, Spread]
    metrics_microseconds: Spread  # iteration by iteration: metrics - silent
    traces_off_microseconds: Spread  # traces_off - metrics: the same objects, so this is what the method cannot tell
    traces_on_microseconds: Spread  # traces_on - metrics
    machine: dict[str, str]


@dataclass(slots=True)
class Bench:
    """Builds the workers of all arms.

    Attributes:
        batch: messages of an iteration.
    """

    messages: int
    batch: int
    predictor: NullPredictor = field(default_factory=NullPredictor)

    def round(self, rng: Random) -> Iterator[dict[str, float]]:
        """CPU microseconds per message of one iteration of every arm, until the messages are used up."""
        logs_of = {arm: self._log() for arm in ARMS}
        built = {arm: self._loop(arm, logs_of[arm]) for arm in ARMS}
        while all(len(log.results) < self.messages for log in logs_of.values()):
            found = {}
            for arm in rng.sample(ARMS, len(ARMS)):
                before, began = len(logs_of[arm].results), time.thread_time()
                built[arm][0].turn()
                seconds = time.thread_time() - began
                if before >= WARM_UP and len(logs_of[arm].results) - before == self.batch:
                    found[arm] = seconds / self.batch * 1e6
            if len(found) == len(ARMS):
                yield found
        for _, close in built.values():
            close()

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
    """All arms, in turns."""
    bench, rng = Bench(messages, batch), Random(1)
    found = [iteration for _ in range(rounds) for iteration in bench.round(rng)]

    def between(upper: str, lower: str) -> Spread:
        return _spread([iteration[upper] - iteration[lower] for iteration in found])

    return Outcome(
        iterations=len(found),
        batch_records=batch,
        microseconds_per_message={arm: _spread([iteration[arm] for iteration in found]) for arm in ARMS},
        metrics_microseconds=between("metrics", "silent"),
        traces_off_microseconds=between("traces_off", "metrics"),
        traces_on_microseconds=between("traces_on", "metrics"),
        machine=described("numpy", "prometheus-client", "opentelemetry-sdk"),
    )


def _spread(values: Sequence[float]) -> Spread:
    quarter, median, three_quarters = statistics.quantiles(values, n=4)
    return Spread(round(median, 2), round(quarter, 2), round(three_quarters, 2))


def main() -> int:
    """Run and write results/observing.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=48_000, help="per arm and round; a multiple of 6")
    parser.add_argument("--rounds", type=int, default=4)
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
