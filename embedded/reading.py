"""Reads whole topics from their start, as any outside observer would: no group, no commits."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from textsieve.embedded.errors import DemoFailed
from textsieve.kafka_client.bootstrap import patient_client
from textsieve.kafka_client.reading import polls_to_end
from textsieve.worker.records import Record

FETCH_MAX_BYTES = 8 * 1024 * 1024  # per request; the client's own 50 MiB is memory for nothing
FETCH_WAIT_MS = 100  # the end of a partition is known after so long
POLL_SECONDS = 0.2
REQUEST_MS = 5_000  # a broker that hangs: whoever leads in its place is asked soon
LIST_MS = 30_000  # for every partition to have a leader that knows where it ends
CONNECT_SECONDS = 8.0  # patience with a broker that does not answer: a person is waiting


class Reader:
    """Follows every partition of some topics from the first record on; what was aborted is no record.

    Its end is where a Fetch response says the log ends (the high watermark), and no less than what `end_offsets` said
    when this began: the embedded broker answers that with the start of the last batch + 1, and right after an election
    the high watermark of the new leader lags. A partition's end is unknown until its first response.

    Args:
        bootstrap_servers: `host:port`, comma separated.
        topics: They must exist.

    Raises:
        DemoFailed: The broker does not answer, or does not know a topic.
    """

    def __init__(self, bootstrap_servers: str, topics: Sequence[str]) -> None:
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap_servers.split(","),
                bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
                kafka_client=patient_client,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                isolation_level="read_committed",
                enable_incremental_fetch_sessions=False,  # or a partition without news has no end
                fetch_max_bytes=FETCH_MAX_BYTES,
                fetch_max_wait_ms=FETCH_WAIT_MS,
                request_timeout_ms=REQUEST_MS,
            )
        except KafkaError as error:
            raise DemoFailed(f"expected a Kafka broker at {bootstrap_servers}, got {error!r}") from error
        self._partitions = [partition for topic in topics for partition in self._partitions_of(topic)]
        self._consumer.assign(self._partitions)
        try:
            self._listed = self._consumer.end_offsets(self._partitions, timeout_ms=LIST_MS)
        except (KafkaError, KeyError) as error:  # KeyError: the library leaves out a partition that has no leader
            self._consumer.close()
            raise DemoFailed(f"expected {bootstrap_servers} to say where its topics end, got {error!r}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def poll(self, *, max_wait_seconds: float = POLL_SECONDS) -> list[Record]:
        """The records that came since the last poll, in offset order within each partition."""
        batches = self._consumer.poll(timeout_ms=int(max_wait_seconds * 1000))
        return [_record(message) for batch in batches.values() for message in batch]

    def to_end(self) -> Iterator[list[Record]]:
        """From the beginning on, poll by poll, until everything was read that was there when this began."""
        polls = polls_to_end(self._consumer, self._partitions, poll_ms=int(POLL_SECONDS * 1000), ends=self._listed)
        for messages in polls:
            yield [_record(message) for message in messages]

    def _partitions_of(self, topic: str) -> list[TopicPartition]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            self._consumer.close()
            raise DemoFailed(f"expected a topic {topic!r}, got none: create it first")
        return [TopicPartition(topic, number) for number in sorted(numbers)]


def read_topics(bootstrap_servers: str, topics: Sequence[str], *, timeout_seconds: float) -> list[Record]:
    """Every record that was in the topics when this was called.

    Raises:
        DemoFailed: The end was not reached in time, or the broker does not answer.
    """
    deadline = time.monotonic() + timeout_seconds
    records: list[Record] = []
    with Reader(bootstrap_servers, topics) as reader:
        for found in reader.to_end():
            records += found
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"expected to read {', '.join(topics)} to the end within {timeout_seconds:.0f} s, got"
                    f" {len(records)} records and no end"
                )
    return records


def _record(message: ConsumerRecord) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        timestamp_ms=message.timestamp,
        headers=tuple(message.headers or ()),
    )
