"""Reads topics outside any group: to their end, or what comes into one as it comes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from textsieve.kafka_client.reading import polls_to_end
from textsieve.worker.connectors.kafka.client.options import (
    REQUEST_TIMEOUT_MS,
    connecting,
    connection_options,
    translated,
)
from textsieve.worker.connectors.kafka.records import record_of
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError
from textsieve.worker.records import Record
from textsieve.worker.settings import KafkaSettings

TAIL_POLL_MS = 300
READ_POLL_MS = 500
STALLED_POLLS = 20  # empty polls in a row before a topic counts as unreadable
LOOK_SECONDS = 0.5  # between two looks for a topic that is not there yet


def read_to_end(settings: KafkaSettings, topics: Sequence[str]) -> Iterator[Record]:
    """Every record that the topics hold at the first response of each partition, and perhaps some later ones.

    Raises:
        ConfigurationError: a topic does not exist.
        BrokerUnavailable: the broker does not answer.
    """
    consumer = open_reader(settings)
    with closing(consumer), translated(f"reading {', '.join(topics)}"):
        partitions = [partition for topic in topics for partition in _partitions(consumer, topic)]
        empty = 0
        for messages in polls_to_end(consumer, partitions, poll_ms=READ_POLL_MS):
            yield from map(record_of, messages)
            empty = 0 if messages else empty + 1
            if empty > STALLED_POLLS:
                seconds = STALLED_POLLS * READ_POLL_MS / 1000
                raise BrokerUnavailable(f"reading {', '.join(topics)}: nothing came for {seconds:.0f} s")


def _partitions(consumer: Any, topic: str) -> list[Any]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise ConfigurationError(
            f"topic {topic}: expected it to exist, it does not"
            " (kafka.dead_letter_topic, kafka.input_topics, kafka.output_topic)"
        )
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def tail(
    settings: KafkaSettings, topic: str, *, from_beginning: bool = False, absent: Callable[[], object]
) -> Iterator[list[Record]]:
    """What comes into a topic, poll by poll and without end; empty where nothing came for a moment.

    The first poll is yielded when every partition has a position: what is sent after it will be shown. The embedded
    broker calls the last batch of a partition its end, and so shows that batch too.

    Args:
        settings: of the connection.
        topic: to read; one that is not there yet is waited for, and read from its beginning.
        from_beginning: begin with the first record, not with the next one.
        absent: called once if it is not there yet.

    Raises:
        BrokerUnavailable: the broker does not answer.
    """
    consumer = open_reader(settings)
    with closing(consumer), translated(f"reading {topic}"):
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            absent()
            from_beginning = True
        while not numbers:
            time.sleep(LOOK_SECONDS)
            numbers = consumer.partitions_for_topic(topic)
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        seek = consumer.seek_to_beginning if from_beginning else consumer.seek_to_end
        seek(*partitions)
        for partition in partitions:
            consumer.position(partition, timeout_ms=REQUEST_TIMEOUT_MS)
        while True:
            batches = consumer.poll(timeout_ms=TAIL_POLL_MS)
            yield [record_of(message) for batch in batches.values() for message in batch]


def open_reader(settings: KafkaSettings) -> Any:
    """A consumer without a group, which reads what is committed where the broker hides the rest.

    Raises:
        ConfigurationError, BrokerUnavailable: as `connecting`.
    """
    with connecting("opening a consumer"):
        return KafkaConsumer(
            **connection_options(settings),
            metrics_enabled=False,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # what was aborted is no answer, where the broker hides it (delivery.guarantee)
            isolation_level="read_committed" if settings.preset == "kafka" else "read_uncommitted",
            fetch_max_bytes=settings.fetch_max_bytes,
            allow_auto_create_topics=False,
        )
