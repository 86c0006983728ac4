"""How soon partitions flow after workers start or are replaced, on Apache Kafka of three nodes.

Twice eight workers start at once on 64 partitions with messages in each: as a new group, and as one that was stopped
in order. A partition flows with its first committed result. Then two workers share four partitions under a steady load,
and each is stopped with SIGTERM and replaced. The brokers stamp what comes and what is answered, so no clock of ours is
between. The workers' model costs nothing, and they begin as forks: imports are not what is measured.

    python -m benchmarks.rebalancing
"""

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks import one_worker
from benchmarks._null import NullPredictor
from benchmarks.machine import described
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.store import Store
from textsieve.embedded.topics import Names
from textsieve.worker import app
from textsieve.worker.loading import load_settings

HERE = Path(__file__).parent
FORKED = multiprocessing.get_context("fork")
EACH = 5  # messages of a partition before workers start
SESSION_SECONDS = 6.0  # of the workers that are replaced; the others have the default
PAUSE_SECONDS = 0.025  # between two messages of the load
SETTLE_SECONDS = 5.0  # before and after a replacement
PATIENCE_SECONDS = 90.0
STAMPED = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of all workers to the first result of a partition."""

    first: float
    median: float
    last: float


@dataclass(frozen=True, slots=True)
class Replacement:
    """Seconds from a message to its result while both workers were replaced."""

    messages: int
    unanswered: int
    median: float
    p99: float
    longest: float
    exit_codes: list[int | None]
    session: float = SESSION_SECONDS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written to results/rebalancing.json."""

    workers: int
    partitions: int
    new_group: Start
    stopped_group: Start
    replacement: Replacement
    machine: dict[str, str]
    load: float  # of the machine, by its kernel, before


class Stage:
    """Topics of one part, and the workers on them."""

    def __init__(self, servers: str, store: str, *, partitions: int, session: float | None = None) -> None:
        self.servers, self.names, self.partitions = servers, Names.unique("bench"), partitions
        self.workers: list[Any] = []
        admin = KafkaAdminClient(bootstrap_servers=servers)
        shape = {"num_partitions": partitions, "replication_factor": -1, "topic_configs": STAMPED}
        admin.create_topics([NewTopic(name, **shape) for name in self.names.topics])
        admin.wait_for_topics(list(self.names.topics))
        admin.close()
        self._overrides = [
            f"kafka.bootstrap_servers={servers}",
            f"kafka.input_topics={self.names.messages}",
            f"kafka.output_topic={self.names.labels}",
            f"kafka.dead_letter_topic={self.names.dead_letters}",
            f"kafka.group_id={self.names.group}",
            f"redis.url={store}",
            f"clusters.space={self.names.space}",
            "http.port=0",
            "logs.level=error",
            *([] if session is None else [f"kafka.session_timeout_ms={int(session * 1000)}"]),
        ]

    def start(self) -> Any:
        """Begin one more worker."""
        worker = FORKED.Process(target=_run, args=(self._overrides,))
        worker.start()
        self.workers.append(worker)
        return worker

    def stop(self, worker: Any) -> int | None:
        """Ask a worker to end, and return its exit code."""
        worker.terminate()
        worker.join(PATIENCE_SECONDS)
        self.workers.remove(worker)
        return worker.exitcode

    def close(self) -> None:
        """End what runs."""
        for worker in self.workers:
            worker.kill()
            worker.join()

    def stamps(self, topic: str) -> dict[tuple[int, int], float]:
        """When messages were appended, in seconds: of the input by what they are, of the output by what they answer."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers, group_id=None, isolation_level="read_committed")
        logs = [TopicPartition(topic, number) for number in range(self.partitions)]
        ends = consumer.end_offsets(logs)
        consumer.assign(logs)
        consumer.seek_to_beginning(*logs)
        found: dict[tuple[int, int], float] = {}
        while any(consumer.position(log) < ends[log] for log in logs):
            for records in consumer.poll(timeout_ms=100).values():
                for record in records:
                    found[_source(record)] = record.timestamp / 1000
        consumer.close()
        return found


def _source(record: Any) -> tuple[int, int]:
    """Partition and offset of the message that this is, or that it answers."""
    for name, value in record.headers:
        if name == "textsieve.source":
            _, partition, offset = value.decode().rsplit("/", 2)
            return int(partition), int(offset)
    return record.partition, record.offset


def _run(overrides: list[str]) -> None:
    app.run(load_settings(overrides=overrides), parts=app.Parts(predictor=NullPredictor()))


def main() -> int:
    """Run, write results/rebalancing.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--partitions", type=int, default=64)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where the file goes")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with KafkaCluster(3) as cluster, Store() as store:
        outcome = measure(
            cluster.bootstrap_servers, f"redis://{store.address}/0", options.workers, options.partitions, load
        )
    options.results.mkdir(exist_ok=True)
    (options.results / "rebalancing.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n", encoding="utf-8")
    print(json.dumps(asdict(outcome)))
    return 0


def measure(servers: str, store: str, workers: int, partitions: int, load: float) -> Outcome:
    """All parts, one after the other."""
    with ExitStack() as resources:
        many = Stage(servers, store, partitions=partitions)
        resources.callback(many.close)
        new_group = started(many, workers, begin=0)
        for worker in list(many.workers):
            many.stop(worker)
        stopped_group = started(many, workers, begin=EACH)
        for worker in list(many.workers):
            many.stop(worker)
        few = Stage(servers, store, partitions=4, session=SESSION_SECONDS)
        resources.callback(few.close)
        return Outcome(
            workers, partitions, new_group, stopped_group, replaced(few), described("kafka-python"), round(load, 1)
        )


def started(stage: Stage, workers: int, *, begin: int) -> Start:
    """Start all workers at once on partitions whose next message has the offset `begin`."""
    producer = KafkaProducer(bootstrap_servers=stage.servers, linger_ms=20)
    count = EACH * stage.partitions
    one_worker.send(producer, stage.names.messages, map(one_worker.message, range(count)), partitions=stage.partitions)
    producer.close()
    began = time.time()
    for _ in range(workers):
        stage.start()
    deadline, flowing = time.monotonic() + PATIENCE_SECONDS, {}
    while len(flowing) < stage.partitions and time.monotonic() < deadline:
        time.sleep(1.0)
        flowing = _first_results(stage.stamps(stage.names.labels), begin)
    seconds = sorted(stamp - began for stamp in flowing.values())
    if len(seconds) < stage.partitions:
        raise SystemExit(f"{len(seconds)} of {stage.partitions} partitions flow after {PATIENCE_SECONDS:.0f} s")
    return Start(round(seconds[0], 2), round(seconds[len(seconds) // 2], 2), round(seconds[-1], 2))


def _first_results(stamps: Mapping[tuple[int, int], float], begin: int) -> dict[int, float]:
    first: dict[int, float] = {}
    for (partition, offset), stamp in stamps.items():
        if offset >= begin:
            first[partition] = min(stamp, first.get(partition, stamp))
    return first


def replaced(stage: Stage) -> Replacement:
    """Replace two workers one after the other under load."""
    ended = threading.Event()
    producer = KafkaProducer(bootstrap_servers=stage.servers, linger_ms=5)

    def feed() -> None:
        number = 0
        while not ended.wait(PAUSE_SECONDS):
            producer.send(stage.names.messages, one_worker.message(number), partition=number % stage.partitions)
            number += 1

    first, second = stage.start(), stage.start()
    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    time.sleep(3 * SETTLE_SECONDS)
    begin, codes = time.time(), []
    for worker in (first, second):
        codes.append(stage.stop(worker))
        stage.start()
        time.sleep(SETTLE_SECONDS)
    end = time.time()
    ended.set()
    feeder.join()
    producer.close()
    time.sleep(2 * SETTLE_SECONDS)
    sent = {name: at for name, at in stage.stamps(stage.names.messages).items() if begin <= at <= end}
    answered = stage.stamps(stage.names.labels)
    codes.extend(stage.stop(worker) for worker in list(stage.workers))
    seconds = sorted(answered[name] - at for name, at in sent.items() if name in answered)
    middle, tail = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    return Replacement(
        len(sent), len(sent) - len(seconds), round(middle, 3), round(tail, 2), round(seconds[-1], 2), codes
    )


if __name__ == "__main__":
    sys.exit(main())
