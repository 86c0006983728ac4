"""What a worker with the default model takes and gives: memory, and messages per second of CPU time.

One worker on one thread (`model.threads=1`, as deploy/overlays/cpu sets it) starts with an empty cache folder, as a new
container does, so it exports graphs and chooses its engine. Then it finds a backlog: short made-up messages, one in
fifty of them a text of 2000 words. Memory and CPU time are the kernel's (/proc). What the overlay asks for comes from
here.

    python -m benchmarks.studies.footprint --messages 4000
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import described
from benchmarks.studies import one_worker
from textsieve.embedded.child import Child
from textsieve.embedded.listening import free_port
from textsieve.embedded.services import Services, start_services
from textsieve.embedded.topics import Names, create_topics
from textsieve.producer.scenario import generate

RESULTS = Path(__file__).parents[1] / "results"
PARTITIONS = 4
LONG_EVERY = 50
LONG_WORDS = 2000
DEADLINE_SECONDS = 240.0
WARM_UP = 0.1  # part of the messages after which the rate is taken


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written to results/footprint.json."""

    messages: int
    long_every: int
    long_words: int
    engine: str  # that the worker chose
    rss_loaded_mib: float  # model loaded and engine chosen, nothing read yet
    rss_peak_mib: float  # of the whole life, the choice of the engine included
    messages_per_cpu_second: float  # after the warm-up: what one core of its own gives
    machine: dict[str, str]


def main() -> int:
    """Run and write results/footprint.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=4_000)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the file goes")
    options = parser.parse_args()
    outcome = measure(options.messages)
    text = json.dumps(asdict(outcome), indent=1)
    (options.results / "footprint.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def measure(messages: int) -> Outcome:
    """Let one worker empty a backlog of so many messages."""
    names = Names.unique()
    with start_services() as stack, tempfile.TemporaryDirectory() as directory:
        create_topics(stack.bootstrap_servers, names, partitions=PARTITIONS)
        port = free_port()
        options = [*one_worker.settings(stack, names, port=port), "model.threads=1", "model.device=cpu"]
        options += [f"model.cache_directory={directory}/cache"]
        flags = [part for option in options for part in ("--set", option)]
        child = Child([sys.executable, "-m", "worker", "run", *flags], log_path=Path(directory) / "worker.log")
        try:
            _await_start(child, port)
            loaded = _status_mib(child.pid, "VmRSS")
            _send(stack, names, messages)
            rate = _follow(child, port, messages)
            peak = _status_mib(child.pid, "VmHWM")
            engine = _chosen(child.log_path.read_text(encoding="utf-8"))
        finally:
            child.stop(patience_seconds=30.0)
    machine = described("kafka-python", "redis", "numpy", "scikit-learn", "torch", "transformers", "onnxruntime")
    return Outcome(messages, LONG_EVERY, LONG_WORDS, engine, loaded, peak, round(rate, 1), machine)


def _chosen(log: str) -> str:
    """The engine and precision that the worker's log names."""
    lines = [json.loads(line) for line in log.splitlines() if '"engine chosen"' in line]
    return ", ".join(f"{line['engine']} {line['precision']}" for line in lines)


def _await_start(child: Child, port: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not one_worker.answered(port):  # the metrics of messages exist once the model is loaded
        if child.exit_code is not None or time.monotonic() > deadline:
            raise SystemExit(f"the worker did not start (exit code {child.exit_code}):\n{child.tail()}")
        time.sleep(0.2)


def _follow(child: Child, port: int, messages: int) -> float:
    """Messages per second of CPU time, from the end of the warm-up to the last answer."""
    marks: list[tuple[int, float]] = []  # messages answered, CPU seconds
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not marks or marks[-1][0] < messages:
        if child.exit_code is not None or time.monotonic() > deadline:
            raise SystemExit(f"the worker stopped answering (exit code {child.exit_code}):\n{child.tail()}")
        marks.append((sum(one_worker.answered(port).values()), _cpu_seconds(child.pid)))
        time.sleep(0.2)
    first = next(mark for mark in marks if mark[0] >= WARM_UP * messages)
    return (marks[-1][0] - first[0]) / (marks[-1][1] - first[1])


def _send(stack: Services, names: Names, messages: int) -> None:
    producer = one_worker.feeder(stack)
    one_worker.send(producer, names.messages, _values(messages), partitions=PARTITIONS)
    producer.close(timeout=5)


def _values(messages: int) -> Iterator[bytes]:
    for number, message in enumerate(generate(messages, seed=1, malformed_share=0.0)):
        if number % LONG_EVERY:
            yield message.value
        else:
            yield json.dumps({"text": " ".join(f"word{step % 997}" for step in range(LONG_WORDS))}).encode()


def _status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    return round(kib / 1024, 1)


def _cpu_seconds(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime


if __name__ == "__main__":
    sys.exit(main())
