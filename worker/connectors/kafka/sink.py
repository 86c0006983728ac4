"""Results and dead letters to Kafka: sent once, awaited together, never sent again from memory."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from worker.codec import PREFIX
from worker.connectors.kafka.clients import connecting, connection_options
from worker.connectors.kafka.ledger import TOPIC_ID_HEADER, LedgerReader
from worker.errors import BrokerUnavailable, PublishFailed
from worker.records import Header, Outgoing, Partition, Position
from worker.settings import KafkaSettings, OutputSettings
from worker.streams import Published

LINGER_MS = 50  # nothing leaves while a batch of results is appended, unless it is full: the sender takes no turns
BATCH_BYTES = 512 * 1024
LEDGER_DEPTH = 1_000  # older answers to see at least: a worker whose batches were larger may have left a hole so deep
ABANDON_SECONDS = 1.0  # for the sender thread to close its connections


@dataclass(slots=True)
class KafkaSink:
    """Sends with an idempotent producer, and abandons it when an outcome is unknown.

    Attributes:
        worker: this worker's name, in every header.
        version: the software's version, in every header.
        topic_ids: input topic to Kafka's UUID.
        generation: the consumer group's generation in force.
        publish_seconds: the safe part of the group's session; no send lives longer.
        batch: most messages an iteration may hold.
    """

    kafka: KafkaSettings
    output: OutputSettings
    worker: str
    version: str
    topic_ids: Mapping[str, str]
    generation: Callable[[], int]
    publish_seconds: float
    batch: int
    _producer: Any = None
    _abandoned: threading.Thread | None = None
    _results: LedgerReader = field(init=False)
    _dead_letters: LedgerReader = field(init=False)

    def __post_init__(self) -> None:
        options = connection_options(self.kafka) | {"fetch_max_bytes": self.kafka.fetch_max_bytes}
        depth = max(self.batch, LEDGER_DEPTH)
        self._results = LedgerReader(options, self.kafka.output_topic, depth)
        self._dead_letters = LedgerReader(options, self.kafka.dead_letter_topic, depth)

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        if not starts:
            return {}
        if self._abandoned is not None:
            self._abandoned.join(ABANDON_SECONDS)
            if self._abandoned.is_alive():
                raise BrokerUnavailable("an abandoned producer has not ended yet: it may still send")
            self._abandoned = None
        results = self._results.read(starts)
        dead_letters = self._dead_letters.read(starts)
        self._connect()  # now, not in the middle of the first batch
        return {source: Published(results[source], dead_letters[source]) for source in starts}

    def publish(self, *, results: Sequence[Outgoing], dead_letters: Sequence[Outgoing], timeout_seconds: float) -> None:
        """See Sink."""
        if not (results or dead_letters):
            return
        if timeout_seconds <= 0:
            raise PublishFailed("no time was left between the fence and the send: nothing was sent", reason="timeout")
        deadline = time.monotonic() + timeout_seconds
        producer = self._connect()
        try:
            self._send(producer, self.kafka.dead_letter_topic, dead_letters, deadline)
            self._send(producer, self.kafka.output_topic, results, deadline)
        except (KafkaError, OSError) as error:
            self._abandon()
            raise PublishFailed(
                f"sending to {self.kafka.output_topic}: {type(error).__name__}: {error}", reason=_reason(error)
            ) from error

    def close(self, *, timeout_seconds: float) -> None:
        """End the producer and the readers; everything published was acked before."""
        if self._producer is not None:
            with suppress(KafkaError):
                self._producer.close(timeout=timeout_seconds)
            self._producer = None
        for reader in (self._results, self._dead_letters):
            with suppress(KafkaError):
                reader.close()

    def _connect(self) -> Any:
        if self._producer is None:
            delivery_ms = int(self.publish_seconds * 1000)
            with connecting("opening a producer"):
                self._producer = KafkaProducer(
                    **connection_options(self.kafka),
                    metrics_enabled=False,
                    enable_idempotence=True,
                    acks="all",
                    compression_type=None if self.kafka.compression == "none" else self.kafka.compression,
                    linger_ms=LINGER_MS,
                    batch_size=BATCH_BYTES,
                    max_request_size=2 * self.output.max_message_bytes,
                    max_block_ms=delivery_ms,
                    delivery_timeout_ms=delivery_ms,
                    request_timeout_ms=delivery_ms - LINGER_MS - 1,
                )
        return self._producer

    def _send(self, producer: Any, topic: str, messages: Sequence[Outgoing], deadline: float) -> None:
        """Send and await every ack; flush() makes it leave at once, but may return although sends failed."""
        if not messages:
            return
        if time.monotonic() >= deadline:
            raise KafkaTimeoutError("the dead letters took all the time")
        stamps = {source: self._stamp(source) for source in {message.source for message in messages}}
        futures = [
            producer.send(
                topic,
                value=message.value,
                key=message.key,
                headers=message.headers + stamps[message.source],
                partition=message.source.partition,
                timestamp_ms=max(0, message.timestamp_ms),
            )
            for message in messages
        ]
        # its patience is for each of the client's batches, none of which lives longer than delivery_timeout_ms
        producer.flush(timeout=max(0.001, deadline - time.monotonic()))
        for future in futures:
            if not future.succeeded():
                future.get(timeout=max(0.001, deadline - time.monotonic()))

    def _stamp(self, source: Partition) -> list[Header]:
        return [
            (PREFIX + "worker", self.worker.encode()),
            (PREFIX + "generation", str(self.generation()).encode()),
            (PREFIX + "version", self.version.encode()),
            (TOPIC_ID_HEADER, self.topic_ids.get(source.topic, "").encode()),
        ]

    def _abandon(self) -> None:
        """Let go of a producer without flushing: what it still holds must not be sent later."""
        producer, self._producer = self._producer, None
        sender = producer._sender  # noqa: SLF001  # close() flushes first, and would send after the fence ran out
        sender.force_close()
        self._abandoned = sender  # the ledger is read again only when this thread has ended
        with suppress(KafkaError):
            producer.close(timeout=0)


def _reason(error: Exception) -> str:
    """The error as the metrics name it."""
    match error:
        case KafkaTimeoutError() | TimeoutError():
            return "timeout"
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return "too_large"
        case TopicAuthorizationFailedError() | ClusterAuthorizationFailedError():
            return "authorization"
        case _:
            return "other"
