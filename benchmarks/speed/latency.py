"""Produce-to-publish latency under an open-loop load."""

import sys
import time
from random import Random
from secrets import token_hex

import msgspec
from kafka import KafkaConsumer, TopicPartition

from benchmarks.speed.feeder import Task
from benchmarks.speed.figures import open_loop, percentiles
from benchmarks.speed.rounds import START_SECONDS, worker_settings
from benchmarks.speed.testbed import PARTITIONS, TestBed, await_exit
from benchmarks.speed.texts import cycled, encoded
from textsieve.embedded.child import Child

WARM_SECONDS = 3.0  # of the schedule, sent and not counted
PATIENCE_SECONDS = 20.0  # after the last message was due
WARM_MESSAGES = 1500  # before the schedule starts: the worker seeds its clusters and knows its pace


def latencies(
    testbed: TestBed,
    texts: tuple[str, ...],
    settings: tuple[str, ...],
    *,
    per_second: float,
    seconds: float,
    seed: int,
    warm_messages: int = WARM_MESSAGES,
    linger_ms: float = 0.0,
    warm_seconds: float = WARM_SECONDS,
) -> dict[str, float]:
    """p50, p95, p99 in seconds, from when a message was due until its result could be read; and the load as sent."""
    topic, output, dead_letters = testbed.topic("messages"), testbed.topic("labels"), testbed.topic("dead-letters")
    told = worker_settings(testbed, topic, output=output, dead_letters=dead_letters, group=f"group-{token_hex(4)}")
    words = [word for setting in (*told, *settings) for word in ("--set", setting)]
    worker = testbed.start("latency", ["-m", "worker", "run", *words])
    reader = KafkaConsumer(
        bootstrap_servers=testbed.stack.bootstrap_servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=5,  # the embedded broker holds a fetch that found nothing for so long, whatever comes
        metrics_enabled=False,
    )
    reader.assign([TopicPartition(output, number) for number in range(PARTITIONS)])
    try:
        testbed.fill(topic, encoded(texts[:warm_messages]))
        _await(reader, worker, count=min(warm_messages, len(texts)))
        due = open_loop(Random(seed), per_second=per_second, seconds=seconds + warm_seconds)
        task = Task(testbed.stack.bootstrap_servers, topic, time.time() + 2.0, due, cycled(texts, len(due)), linger_ms)
        path = testbed.directory / f"feed-{token_hex(4)}.json"
        path.write_bytes(msgspec.json.encode(task))
        feeder = Child(
            [sys.executable, "-m", "benchmarks.speed.feeder", str(path)], log_path=testbed.directory / "feeder.log"
        )
        found = _follow(reader, task)
        feeder.stop(patience_seconds=5)
    finally:
        reader.close()
        await_exit(worker)
        testbed.drop(topic, output, dead_letters)
    counted = [latency for at, latency in found if at >= task.begin + warm_seconds]
    sent = sum(moment >= warm_seconds for moment in due)
    return {
        "per_second": per_second,
        "messages": len(counted),
        "unanswered": sent - len(counted),
        **percentiles(counted),
    }


def _await(reader: KafkaConsumer, worker: Child, *, count: int) -> None:
    deadline, seen = time.monotonic() + START_SECONDS, 0
    while seen < count:
        seen += sum(map(len, reader.poll(timeout_ms=500).values()))
        if worker.exit_code is not None or time.monotonic() > deadline:
            raise SystemExit(f"the worker did not answer (exit code {worker.exit_code}):\n{worker.tail(30)}")


def _follow(reader: KafkaConsumer, task: Task) -> list[tuple[float, float]]:
    """When each answered message was due, and how long it took from there."""
    found: list[tuple[float, float]] = []
    deadline = task.begin + task.due[-1] + PATIENCE_SECONDS
    while len(found) < len(task.due) and time.time() < deadline:
        batches = reader.poll(timeout_ms=200)
        arrived = time.time()
        for batch in batches.values():
            for message in batch:
                due = msgspec.json.decode(message.value)["attributes"].get("due")
                if due is not None:
                    found.append((due, arrived - due))
    return found
