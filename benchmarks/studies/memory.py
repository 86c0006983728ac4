"""Does a worker's memory grow with time, with distinct texts, or with dead letters? 300,000 messages say.

One worker with a model that costs nothing reads distinct texts, one in a hundred of them unreadable, from the embedded
broker. Its resident memory is sampled from /proc twice a second. After the first tenth (imports, seeding, the
allocator's high water) the memory at the end must not lie more than a limit above the beginning.

    python -m benchmarks.studies.memory --messages 300000 --json
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.machine import described
from benchmarks.speed.plots import svg
from benchmarks.studies import one_worker
from textsieve.embedded.child import Child
from textsieve.embedded.listening import free_port
from textsieve.embedded.services import Services, start_services
from textsieve.embedded.topics import Names, create_topics

RESULTS = Path(__file__).parents[1] / "results"
PARTITIONS = 4
SAMPLE_SECONDS = 0.5
WARM_UP = 0.1  # part of the messages during which memory may still settle
MAX_GROWTH_MIB = 16.0  # from there to the end: 70 bytes a message would show
BAD_EVERY = 100
CHUNK = 2_000  # messages the feeder sends before it waits for their acks
AHEAD = 30_000  # messages the feeder keeps ahead of the worker: the stream is never dry, nor all in the queue at once
STALL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The worker at one moment."""

    seconds: float
    answered: int
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written to results/memory.json."""

    messages: int
    results: int
    dead_letters: int
    learned: int
    seconds: float
    rss_start_mib: float  # median of the tenth after the warm-up
    rss_end_mib: float  # median of the last tenth
    rss_max_mib: float
    growth_mib: float
    limit_mib: float
    bytes_per_message: float  # growth over the messages in between
    machine: dict[str, str]
    samples: list[Sample]


def main() -> int:
    """Run, write results/memory.json and results/memory.svg; 1 if memory grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=300_000, help="at least 20,000, or too few samples are taken")
    parser.add_argument("--json", action="store_true", help="print the outcome, without its samples, as one line")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the files go")
    options = parser.parse_args()
    outcome = measure(options.messages)
    options.results.mkdir(exist_ok=True)
    (options.results / "memory.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n", encoding="utf-8")
    plot(outcome, options.results / "memory.svg")
    told = {name: value for name, value in asdict(outcome).items() if name != "samples"}
    print(json.dumps(told) if options.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    return int(outcome.growth_mib > outcome.limit_mib or outcome.results + outcome.dead_letters != outcome.messages)


def measure(messages: int) -> Outcome:
    """Stream so many messages through one worker and watch its memory."""
    names = Names.unique()
    with start_services() as stack, tempfile.TemporaryDirectory() as directory:
        create_topics(stack.bootstrap_servers, names, partitions=PARTITIONS)
        port = free_port()
        command = [*one_worker.NULL, *one_worker.settings(stack, names, port=port)]
        child = Child(command, log_path=Path(directory) / "worker.log")
        try:
            samples = list(_stream(stack, names, child, port, messages))
            counts = one_worker.answered(port)
        finally:
            child.stop(patience_seconds=30.0)
        with redis.Redis.from_url(stack.redis_url) as store:
            learned = int(store.hget(f"textsieve:{{{names.space}}}:centroids", "learned") or 0)
    return _outcome(messages, counts, learned, samples)


def _stream(stack: Services, names: Names, child: Child, port: int, messages: int) -> Iterator[Sample]:
    """Feed the topic a little ahead of the worker and sample it until everything is answered."""
    producer = one_worker.feeder(stack)
    began = progressed = time.monotonic()
    sent = answered = 0
    while answered < messages:
        while sent < min(messages, answered + AHEAD):
            sent = _send(producer, names.messages, sent, min(messages, sent + CHUNK))
        time.sleep(SAMPLE_SECONDS)
        now, before = time.monotonic(), answered
        answered = sum(one_worker.answered(port).values())
        progressed = now if answered > before else progressed
        if child.exit_code is not None or now - progressed > STALL_SECONDS:
            raise SystemExit(f"the worker stopped answering (exit code {child.exit_code}):\n{child.tail()}")
        if answered:
            yield Sample(round(now - began, 2), answered, _rss_mib(child.pid))
    producer.close(timeout=5)


def _send(producer: Any, topic: str, start: int, stop: int) -> int:
    one_worker.send(producer, topic, map(_value, range(start, stop)), partitions=PARTITIONS)
    return stop


def _value(number: int) -> bytes:
    """A text that no other message has; every hundredth is no JSON."""
    if number % BAD_EVERY == 0:
        return b"unreadable %d" % number
    return one_worker.message(number)


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / one_worker.MIB, 2)


def _outcome(messages: int, counts: dict[str, int], learned: int, samples: Sequence[Sample]) -> Outcome:
    def median(first: float, last: float) -> float:
        part = [s.rss_mib for s in samples if first * messages <= s.answered <= last * messages]
        return round(statistics.median(part), 2)

    start, end = median(WARM_UP, 2 * WARM_UP), median(1 - WARM_UP, 1)
    return Outcome(
        messages=messages,
        results=sum(count for name, count in counts.items() if '"ok"' in name),
        dead_letters=sum(count for name, count in counts.items() if '"dead_letter"' in name),
        learned=learned,
        seconds=samples[-1].seconds,
        rss_start_mib=start,
        rss_end_mib=end,
        rss_max_mib=max(s.rss_mib for s in samples),
        growth_mib=round(end - start, 2),
        limit_mib=MAX_GROWTH_MIB,
        bytes_per_message=round((end - start) * one_worker.MIB / ((1 - 2 * WARM_UP) * messages), 2),
        machine=described("kafka-python", "redis", "numpy", "scikit-learn"),
        samples=list(samples),
    )


def plot(outcome: Outcome, path: Path) -> None:
    """Memory over messages."""
    with svg(path) as axes:
        axes.plot([s.answered for s in outcome.samples], [s.rss_mib for s in outcome.samples], linewidth=1.2)
        axes.axvspan(0, WARM_UP * outcome.messages, alpha=0.12, label="warm-up")
        axes.set(
            xlabel="messages answered, all texts distinct, 1 % dead letters",
            ylabel="resident memory, MiB",
            title=f"One worker, {outcome.messages:,} messages: {outcome.growth_mib:+.1f} MiB after the warm-up",
            ylim=(0, 1.25 * outcome.rss_max_mib),
        )
        axes.legend(loc="lower right", frameon=False)


if __name__ == "__main__":
    sys.exit(main())
