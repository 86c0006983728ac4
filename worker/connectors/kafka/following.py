"""Follows a topic outside any group: what comes into it, as it comes."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from textsieve.worker.connectors.kafka.clients import REQUEST_TIMEOUT_MS, connecting, connection_options, translated
from textsieve.worker.connectors.kafka.messages import record_of
from textsieve.worker.records import Record
from textsieve.worker.settings import KafkaSettings

POLL_MS = 300
LOOK_SECONDS = 0.5  # between two looks for a topic that is not there yet


def follow(
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
            batches = consumer.poll(timeout_ms=POLL_MS)
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
