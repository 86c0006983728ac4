"""Messages with old timestamps, on a broker that deletes by them, and on topics that refuse them."""

import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from tests.integration.streams import Stream, texts
from tests.services import Brokers, _embedded
from textsieve.embedded.kafka.cluster import KafkaCluster
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import KafkaSink, ProducerFactory, Stamp
from textsieve.worker.errors import PublishFailed
from textsieve.worker.records import Outgoing, Partition
from textsieve.worker.settings import KafkaSettings, OutputSettings

DAY_MS = 86_400_000
HOUR = "3600000"  # milliseconds
CANARY_SECONDS = 60
COUNT = 40


@pytest.fixture(scope="module")
def strict() -> Iterator[KafkaCluster]:
    """One node that looks for expired records all the time."""
    hasty = {"log.retention.check.interval.ms": "500", "log.initial.task.delay.ms": "500"}
    with _embedded(partial(KafkaCluster, properties=hasty)) as cluster:
        yield cluster


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def write(cluster: KafkaCluster, topic: str, values: list[bytes | None], *, timestamp_ms: int) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.addresses)
    for future in [producer.send(topic, value, timestamp_ms=timestamp_ms) for value in values]:
        future.get(timeout=60)
    producer.close(timeout=5)


def await_retention(cluster: KafkaCluster, stream: Stream) -> None:
    """Until the broker has deleted a record that is as old as the messages."""
    canary = f"canary-{stream.names.messages}"
    stream.create(canary, partitions=1)
    write(cluster, canary, [b"canary"], timestamp_ms=now_ms() - 30 * DAY_MS)
    place = TopicPartition(canary, 0)
    deadline = time.monotonic() + CANARY_SECONDS
    with closing(KafkaConsumer(bootstrap_servers=cluster.addresses)) as consumer:
        while consumer.beginning_offsets([place])[place] == 0:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.fixture
def stream(strict: KafkaCluster, store: str, names: Names) -> Iterator[Stream]:
    stream = Stream(Brokers(strict.bootstrap_servers, "kafka"), store, names)
    with closing(KafkaAdminClient(bootstrap_servers=strict.addresses)) as admin:
        admin.alter_configs([ConfigResource("TOPIC", names.messages, {"retention.ms": "-1"})])
    yield stream
    stream.close()


def test_answers_to_old_messages_outlive_the_next_look_for_what_has_expired(
    strict: KafkaCluster, stream: Stream
) -> None:
    write(strict, stream.names.messages, texts(COUNT), timestamp_ms=now_ms() - 30 * DAY_MS)

    stream.start()
    stream.wait_for_topics()
    results, _ = stream.until_answered(COUNT)
    await_retention(strict, stream)

    assert COUNT == len(results)
    assert COUNT == len(stream.read(stream.names.labels))
    assert all(abs(now_ms() - result.timestamp) < DAY_MS for result in results)


def test_a_topic_that_refuses_old_timestamps_gets_the_present(strict: KafkaCluster, stream: Stream) -> None:
    limits = {"message.timestamp.before.max.ms": HOUR, "retention.ms": "-1"}
    for topic in (stream.names.labels, stream.names.dead_letters):
        stream.create(topic, partitions=4, configs=limits)
    write(strict, stream.names.messages, [*texts(COUNT), b"no json"], timestamp_ms=now_ms() - 2 * DAY_MS)

    stream.start()
    results, letters = stream.until_answered(COUNT + 1, learned=False)

    assert (COUNT, 1) == (len(results), len(letters))
    assert all(abs(now_ms() - answer.timestamp) < DAY_MS for answer in (*results, *letters))


def test_where_the_limits_are_unknown_the_first_refusal_teaches_them(strict: KafkaCluster, stream: Stream) -> None:
    stream.create(stream.names.labels, partitions=1, configs={"message.timestamp.before.max.ms": HOUR})
    settings = KafkaSettings(bootstrap_servers=strict.addresses, output_topic=stream.names.labels)
    sink = KafkaSink(ProducerFactory(settings, OutputSettings(), 5.0), Stamp("w", "1", {}, lambda: 1), 10)
    source = Partition(stream.names.messages, 0)
    old = [Outgoing(source, 0, None, b"{}", [], now_ms() - 2 * DAY_MS)]

    with pytest.raises(PublishFailed, match="InvalidTimestamp"):
        sink.publish(results=old, dead_letters=[], progress={}, timeout_seconds=5)
    sink.publish(results=old, dead_letters=[], progress={}, timeout_seconds=5)
    sink.close(timeout_seconds=2)

    assert 1 == len(stream.read(stream.names.labels))
