"""Sends messages when they are due, however slow the worker is: `feeder.py TASK.json`, in a process of its own."""

import sys
import time
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from benchmarks.speed.testbed import PARTITIONS


class Task(msgspec.Struct):
    """An open-loop schedule.

    Attributes:
        begin: Unix time in seconds at which the schedule starts.
        due: seconds from there, ascending, one per text.
        linger_ms: that the producer gathers messages for one request.
    """

    bootstrap: str
    topic: str
    begin: float
    due: list[float]
    texts: list[str]
    linger_ms: float = 0.0


def main() -> None:
    """Send every text at its time; each carries the time it was due, not the time it was sent."""
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    producer = Producer({"bootstrap.servers": task.bootstrap, "linger.ms": task.linger_ms, "acks": "all"})
    for number, (due, text) in enumerate(zip(task.due, task.texts, strict=True)):
        at = task.begin + due
        while (left := at - time.time()) > 0:
            producer.poll(min(left, 0.001))
        value = msgspec.json.encode({"id": f"l-{number}", "text": text, "due": at})
        producer.produce(task.topic, value, partition=number % PARTITIONS)
    producer.flush(30)


if __name__ == "__main__":
    main()
