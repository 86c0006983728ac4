"""A stream for one test: topics of its own, real worker processes, and readers that trust nobody's counters."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from tests.services import Brokers
from textsieve.embedded.topics import Names
from textsieve.kafka_client.reading import polls_to_end
from textsieve.worker.clustering.minibatch import Clustering

WORKER = Path(__file__).with_name("hashing_worker.py")
PARTITIONS = 4
DEADLINE_SECONDS = 100
READ_SECONDS = 60
SESSION_MS = 6000  # of a killed worker whose partitions somebody waits for; no broker allows less unless told to


class Stream:
    """One test's topics, its workers and what they wrote."""

    def __init__(
        self,
        brokers: Brokers,
        store: str,
        names: Names,
        *,
        connection: Mapping[str, object] = MappingProxyType({}),
        environment: Mapping[str, str] = MappingProxyType({}),
        program: Path = WORKER,
    ) -> None:
        self.program = program
        self.environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
        self.broker, self.preset, self.names = brokers.bootstrap_servers, brokers.preset, names
        self.connection = {"bootstrap_servers": self.broker, **connection}
        self.redis_url = store
        self.redis = redis.Redis.from_url(store)
        self.processes: list[subprocess.Popen[str]] = []
        self.create(names.messages, partitions=PARTITIONS)

    def create(self, topic: str, *, partitions: int, configs: dict[str, str] | None = None) -> None:
        admin = KafkaAdminClient(**self.connection)
        room = {"max.message.bytes": "4000000", **(configs or {})}
        admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=-1, topic_configs=room)])
        admin.close()

    def delete(self, topic: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.broker)
        admin.delete_topics([topic])
        admin.close()

    def settings(self, **more: object) -> list[str]:
        options = {
            "kafka.bootstrap_servers": self.broker,
            "kafka.preset": self.preset,
            "kafka.session_timeout_ms": SESSION_MS,
            "kafka.input_topics": self.names.messages,
            "kafka.output_topic": self.names.labels,
            "kafka.dead_letter_topic": self.names.dead_letters,
            "kafka.group_id": self.names.group,
            "redis.url": self.redis_url,
            "clusters.space": self.names.space,
            "clusters.k": 4,
            "clusters.seed_messages": 40,
            "clusters.seed_after_seconds": 2,
            "delivery.checkpoint_seconds": 0.3,
            "http.port": 0,
            "logs.format": "console",
            **{name.replace("__", "."): value for name, value in more.items()},
        }
        return [f"{name}={value}" for name, value in options.items()]

    def flags(self, **more: object) -> list[str]:
        return [part for setting in self.settings(**more) for part in ("--set", setting)]

    def start(self, *flags: str, **more: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(self.program), *flags, *self.settings(**more)],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def send(self, values: list[bytes | None], *, topic: str | None = None, partitions: int = PARTITIONS) -> None:
        producer = KafkaProducer(**self.connection, max_request_size=4_000_000)
        futures = [
            producer.send(topic or self.names.messages, value, key=b"k%d" % index, partition=index % partitions)
            for index, value in enumerate(values)
        ]
        for future in futures:
            future.get(timeout=60)
        producer.close(timeout=5)

    def read(self, topic: str, *, without: int | None = None) -> list[Any]:
        """Everything that is in a topic for whoever reads what is committed, perhaps without one partition."""
        consumer = KafkaConsumer(
            **self.connection,
            group_id=None,
            auto_offset_reset="earliest",
            isolation_level="read_uncommitted" if self.preset == "embedded" else "read_committed",
        )
        numbers = consumer.partitions_for_topic(topic) - {without}
        partitions = [TopicPartition(topic, number) for number in numbers]
        found: list[Any] = []
        ends = {} if self.preset == "embedded" else consumer.end_offsets(partitions)  # that broker's answer is another
        deadline = time.monotonic() + READ_SECONDS
        for messages in polls_to_end(consumer, partitions, poll_ms=100, ends=ends):
            found += messages
            assert time.monotonic() < deadline, (topic, ends, {tp: consumer.position(tp) for tp in partitions})
        consumer.close()
        return found

    def until_answered(self, count: int, *, learned: bool = True) -> tuple[list[Any], list[Any]]:
        """Wait until so many messages are answered and all results are learned, by the topics and the store."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            results, letters = self.read(self.names.labels), self.read(self.names.dead_letters)
            if len(results) + len(letters) >= count and (not learned or self.learned() == len(results)):
                return results, letters
            assert time.monotonic() < deadline, (len(results), len(letters), self.learned(), count)
            assert any(process.poll() is None for process in self.processes), self.processes[0].communicate()[1]
            time.sleep(0.2)

    @property
    def key(self) -> str:
        return f"textsieve:{{{self.names.space}}}:centroids"

    def learned(self) -> int:
        return int(self.redis.hget(self.key, "learned") or 0)

    def centroids(self) -> Clustering:
        fields = self.redis.hgetall(self.key)
        centers = np.frombuffer(fields[b"centers"], "<f4").reshape(int(fields[b"k"]), -1)
        return Clustering(centers, np.frombuffer(fields[b"counts"], "<f8"))

    def python(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(WORKER.parents[2])}
        return subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def stop(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            if process.stderr is not None and not process.stderr.closed:
                process.communicate()
        self.redis.close()

    def wait_for_topics(self) -> None:
        """Until the first worker has created the output topics."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        admin = KafkaAdminClient(**self.connection)
        while any(entry["error_code"] for entry in admin.describe_topics([self.names.labels, self.names.dead_letters])):
            assert time.monotonic() < deadline
            assert self.processes[0].poll() is None, self.processes[0].communicate()[1]
            time.sleep(0.1)
        admin.close()


def texts(count: int, start: int = 0) -> list[bytes | None]:
    return [
        json.dumps({"id": f"d{i}", "text": f"topic{i % 4} word{i % 13} and number {i}", "channel": "web"}).encode()
        for i in range(start, start + count)
    ]


def sources(messages: list[Any]) -> Counter[str]:
    return Counter(dict(message.headers)["textsieve.source"].decode() for message in messages)
