"""The producers of a worker: how they are opened, fed and let go."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from textsieve.worker.connectors.kafka.client.options import METADATA_AGE_MS, connection_options
from textsieve.worker.connectors.kafka.consumer.paused_partitions import leaderless
from textsieve.worker.connectors.kafka.producer.answer_headers import TOPIC_ID_HEADER
from textsieve.worker.connectors.kafka.topics.timestamps import Timestamps
from textsieve.worker.errors import PartitionUnavailable
from textsieve.worker.headers import PREFIX
from textsieve.worker.records import Header, Outgoing, Partition
from textsieve.worker.settings import KafkaSettings, OutputSettings

LINGER_MS = 50  # nothing leaves while a batch of results is appended, unless it is full: the sender takes no turns
BATCH_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class ProducerFactory:
    """Opens producers that neither lose nor reorder what they are given.

    Attributes:
        publish_seconds: no send lives longer.
    """

    kafka: KafkaSettings
    output: OutputSettings
    publish_seconds: float

    def open(self, *, linger_ms: int = LINGER_MS, **options: Any) -> Any:
        """Open one; `options` are the library's.

        Raises:
            KafkaError: the broker does not answer.
        """
        delivery_ms = int(self.publish_seconds * 1000)
        return KafkaProducer(
            **(connection_options(self.kafka) | options),
            metrics_enabled=False,
            enable_idempotence=True,
            acks="all",
            compression_type=None if self.kafka.compression == "none" else self.kafka.compression,
            linger_ms=linger_ms,
            batch_size=BATCH_BYTES,
            max_request_size=2 * self.output.max_message_bytes,
            max_block_ms=delivery_ms,
            delivery_timeout_ms=delivery_ms,
            request_timeout_ms=delivery_ms - linger_ms - 1,
            metadata_max_age_ms=METADATA_AGE_MS,
        )


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a worker puts on its answers: the headers that say who wrote them, and their timestamps.

    Attributes:
        worker: this worker's name.
        version: the software's version.
        topic_ids: input topic to Kafka's UUID.
        generation: the consumer group's generation in force.
        timestamps: those that the topics take.
    """

    worker: str
    version: str
    topic_ids: Mapping[str, str]
    generation: Callable[[], int]
    timestamps: Timestamps = field(default_factory=Timestamps)

    def headers(self, source: Partition) -> list[Header]:
        """For all answers to one partition."""
        return [
            (PREFIX + "worker", self.worker.encode()),
            (PREFIX + "generation", str(self.generation()).encode()),
            (PREFIX + "version", self.version.encode()),
            (TOPIC_ID_HEADER, self.topic_ids.get(source.topic, "").encode()),
        ]


def send_all(producer: Any, topic: str, messages: Sequence[Outgoing], stamp: Stamp, *, deadline: float) -> None:
    """Send and await every ack; flush() makes it leave at once, but may return although sends failed.

    Args:
        producer: of the library, ready to send.
        topic: where to.
        messages: each goes to the partition with the number of its source.
        stamp: whose answers they are.
        deadline: a monotonic time in seconds.

    Raises:
        KafkaError: a message was refused, or not acked in time: what landed is unknown.
    """
    if not messages:
        return
    if time.monotonic() >= deadline:
        raise KafkaTimeoutError("no time was left to send")
    headers = {source: stamp.headers(source) for source in {message.source for message in messages}}
    futures = [
        producer.send(
            topic,
            value=message.value,
            key=message.key,
            headers=message.headers + headers[message.source],
            partition=message.source.partition,
            timestamp_ms=stamp.timestamps.fitting(topic, message.timestamp_ms),
        )
        for message in messages
    ]
    # its patience is for each of the client's batches, none of which lives longer than delivery_timeout_ms
    producer.flush(timeout=max(0.001, deadline - time.monotonic()))
    try:
        for future in futures:
            if not future.succeeded():
                future.get(timeout=max(0.001, deadline - time.monotonic()))
    except InvalidTimestampError:  # tried again as it is, it would be refused for ever
        stamp.timestamps.refused(topic)
        raise


def require_leaders(producer: Any, kafka: KafkaSettings, sources: Collection[Partition]) -> None:
    """Refuse answers that have no place: a partition that they go to has no leader, as far as the metadata say.

    Raises:
        PartitionUnavailable: names the sources whose answers they are.
    """
    cluster = producer._metadata  # noqa: SLF001  # what the client offers waits for a leader
    topics = (kafka.output_topic, kafka.dead_letter_topic)
    logs = {source: [TopicPartition(topic, source.partition) for topic in topics] for source in sources}
    if lost := [source for source, places in logs.items() if leaderless(cluster, places)]:
        cluster.request_update()  # what is older than an election would keep them out for longer
        raise PartitionUnavailable(lost, f"their place in {' or '.join(topics)} has no leader")


def abandon(producer: Any) -> Any:
    """End a producer without flushing: what it still holds must not be sent later; returns its thread."""
    sender = producer._sender  # noqa: SLF001  # close() flushes first, and would send after the fence ran out
    sender.force_close()
    with suppress(KafkaError):
        producer.close(timeout=0)
    return sender


def failure_reason(error: Exception) -> str:
    """The error as the metrics name it."""
    match error:
        case KafkaTimeoutError() | TimeoutError():
            return "timeout"
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return "too_large"
        case (
            TopicAuthorizationFailedError()
            | ClusterAuthorizationFailedError()
            | GroupAuthorizationFailedError()
            | TransactionalIdAuthorizationFailedError()
        ):
            return "authorization"
        case _:
            return "other"
