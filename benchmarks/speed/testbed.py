"""A broker and a store on one core, systems under test on the other, topics that are filled before anybody reads."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaConsumer, TopicPartition

from textsieve.embedded.child import Child
from textsieve.embedded.services import start_services

PARTITIONS = 2
WAIT_MS = 20  # longest wait of one look at the output
STOP_SECONDS = 25.0
ACK_SECONDS = 120.0  # for the broker to take all messages of a topic
LOG_ERRORS = 3  # librdkafka's level: nothing less


class Services(Protocol):
    """Where broker and store are."""

    @property
    def bootstrap_servers(self) -> str:
        """Of the broker or brokers."""
        ...

    @property
    def redis_url(self) -> str:
        """Of the store."""
        ...


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where; None where the system cannot pin."""

    system: int | None
    others: int | None
    all: tuple[int, ...] = ()

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """The last core for the system under test, the first for everything else."""
        available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        return cls(available[-1], available[0], tuple(available)) if len(available) > 1 else cls(None, None)


@dataclass(frozen=True, slots=True)
class TestBed:
    """Where all rounds of a run take place.

    Attributes:
        preset: the workers' `kafka.preset`.
        replication: of every topic.
    """

    stack: Services
    directory: Path
    cores: Cores
    preset: str = "embedded"
    replication: int = 1

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator["TestBed"]:
        """Start broker and store on the core that is not measured; this process stays there too."""
        cores = Cores.of_this_machine()
        if cores.others is not None:
            os.sched_setaffinity(0, {cores.others})
        with start_services() as stack, tempfile.TemporaryDirectory(prefix="textsieve-speed-") as directory:
            yield cls(stack, Path(directory), cores)

    def topic(self, purpose: str, *, partitions: int = PARTITIONS) -> str:
        """A new, empty topic."""
        name = f"{purpose}-{token_hex(4)}"
        admin = AdminClient({"bootstrap.servers": self.stack.bootstrap_servers, "log_level": LOG_ERRORS})
        for future in admin.create_topics([NewTopic(name, partitions, self.replication)]).values():
            future.result(timeout=10)
        return name

    def drop(self, *topics: str) -> None:
        """Delete topics: the broker keeps everything in memory until then."""
        admin = AdminClient({"bootstrap.servers": self.stack.bootstrap_servers, "log_level": LOG_ERRORS})
        for future in admin.delete_topics(list(topics)).values():
            future.result(timeout=10)

    def fill(self, topic: str, values: Sequence[bytes], *, partitions: int = PARTITIONS) -> None:
        """Send messages, spread evenly over the partitions, and await their acks."""
        producer = Producer(
            {
                "bootstrap.servers": self.stack.bootstrap_servers,
                "linger.ms": 20,
                "compression.type": "lz4",
                "log_level": LOG_ERRORS,
                "queue.buffering.max.messages": 2_000_000,
            }
        )
        for number, value in enumerate(values):
            producer.produce(topic, value, partition=number % partitions)
        if producer.flush(ACK_SECONDS):
            raise SystemExit(f"the broker did not take all of {len(values)} messages")

    def start(self, name: str, command: Sequence[str], *, core: int | None = None, path: str = "") -> Child:
        """A system under test, pinned to its core, one thread for every library.

        Args:
            name: of its log.
            command: arguments to Python.
            core: another core than that of systems under test.
            path: folder whose packages come before the installed ones.
        """
        core = self.cores.system if core is None else core
        pinned = [] if core is None else ["-m", "benchmarks.speed.pinned", str(core)]
        one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
        environment = {**os.environ, **one, **quiet, **({"PYTHONPATH": path} if path else {})}
        words = [sys.executable, *pinned, *command]
        return Child(words, log_path=self.directory / f"{name}.log", environment=environment)


class EndOffsets:
    """How far an output topic has come, by the high watermark of fetch responses.

    Positions are moved to the end again and again: what is read is one batch, what is learned is the end. The messages
    themselves cost the machine nothing.
    """

    def __init__(self, bootstrap_servers: str, topic: str, *, partitions: int = PARTITIONS) -> None:
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]
        self._ends = dict.fromkeys(self._partitions, 0)
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=WAIT_MS,
            max_partition_fetch_bytes=1,
            metrics_enabled=False,
        )
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning()

    def total(self) -> int:
        """Messages in the topic now."""
        self._consumer.poll(timeout_ms=WAIT_MS, max_records=1)
        for partition in self._partitions:
            end = self._consumer.highwater(partition)
            if end is not None and end > self._ends[partition]:
                self._ends[partition] = end
                self._consumer.seek(partition, end)
        return sum(self._ends.values())

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


def await_exit(child: Child) -> None:
    """End a system in order."""
    child.stop(patience_seconds=STOP_SECONDS)


def now() -> float:
    """Seconds of the clock by which rates are measured."""
    return time.perf_counter()
