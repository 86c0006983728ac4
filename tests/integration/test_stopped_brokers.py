"""Brokers frozen for longer than a session: what is sent meanwhile is answered soon, and the log tells of waits."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Self

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from tests.integration.streams import PARTITIONS, SESSION_MS, Stream, sources, texts
from tests.integration.waiting import wait_until
from tests.services import Brokers
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names
from textsieve.kafka_client.reading import polls_to_end

FROZEN_SECONDS = 9.0  # longer than the session, and than the controller waits for a broker
BOUND_SECONDS = SESSION_MS / 1000 + 15
PATIENCE_SECONDS = 60.0
APPENDED = {"message.timestamp.type": "LogAppendTime"}  # the brokers tell when a message came and when it was answered


class ReplicatedStream(Stream):
    """Topics with three replicas, whose brokers stamp what comes in; workers of the usual guarantee."""

    def create(self, topic: str, *, partitions: int, configs: dict[str, str] | None = None) -> None:
        del topic, configs
        admin = KafkaAdminClient(bootstrap_servers=self.broker)
        topics = [
            NewTopic(name, num_partitions=partitions, replication_factor=-1, topic_configs=APPENDED)
            for name in self.names.topics
        ]
        admin.create_topics(topics)
        admin.wait_for_topics(list(self.names.topics))
        admin.close()

    def stamps(self, topic: str) -> dict[str, float]:
        """When each message was appended, in seconds: of the input by what it is, of the output by what it answers."""
        consumer = KafkaConsumer(bootstrap_servers=self.broker, group_id=None, isolation_level="read_committed")
        logs = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        found: dict[str, float] = {}
        for records in polls_to_end(consumer, logs, poll_ms=200, ends=consumer.end_offsets(logs)):
            for record in records:
                (name,) = sources([record]) if record.headers else [f"{topic}/{record.partition}/{record.offset}"]
                found[name] = record.timestamp / 1000
        consumer.close()
        return found


class Feeder:
    """Sends a message every so often, in a thread of its own, through a client that is not ours."""

    def __init__(self, stream: Stream) -> None:
        self._producer = Producer({"bootstrap.servers": stream.broker, "acks": "all", "linger.ms": 5})
        self._topic, self._ended = stream.names.messages, threading.Event()
        self._thread = threading.Thread(target=self._feed)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._producer.flush(PATIENCE_SECONDS)

    def _feed(self) -> None:
        sent = 0
        while not self._ended.wait(0.05):
            (value,) = texts(1, start=sent)
            self._producer.produce(self._topic, value, partition=sent % PARTITIONS)
            self._producer.poll(0)
            sent += 1


@pytest.fixture
def stream(kafka3: KafkaCluster, store: str, names: Names) -> Iterator[ReplicatedStream]:
    found = ReplicatedStream(Brokers(kafka3.bootstrap_servers, "kafka"), store, names)
    yield found
    found.close()


def coordinator(stream: Stream) -> int:
    """The broker that the group's members talk to."""
    admin = AdminClient({"bootstrap.servers": stream.broker})
    (described,) = admin.describe_consumer_groups([stream.names.group], request_timeout=10).values()
    return int(described.result().coordinator.id)


@pytest.mark.alone
def test_a_frozen_coordinator_holds_no_message_up_for_longer_than_a_session_and_15_seconds(kafka3, stream):
    """It leads partitions too, and one transaction coordinator in three is on it."""
    for _ in range(2):
        stream.start()
    with Feeder(stream):
        assert wait_until(lambda: len(stream.stamps(stream.names.labels)) > 20, seconds=PATIENCE_SECONDS)
        frozen = coordinator(stream)
        kafka3.stop(frozen)
        time.sleep(FROZEN_SECONDS)
        kafka3.cont(frozen)
        time.sleep(1.0)

    sent = stream.stamps(stream.names.messages)
    answered: dict[str, float] = {}

    def all_answered() -> bool:
        answered.update(stream.stamps(stream.names.labels))
        return answered.keys() >= sent.keys()

    assert wait_until(all_answered, seconds=PATIENCE_SECONDS), len(sent.keys() - answered.keys())
    assert max(answered[name] - sent[name] for name in sent) < BOUND_SECONDS
    told = [stream.stop(process)[1] for process in stream.processes]
    assert re.search("waiting for a place in the consumer group|broker away: waiting for it", "".join(told))
