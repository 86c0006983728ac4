"""Messages that an operator sends back to their topics: a bounded number in flight, the fate of each looked at."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from textsieve.worker.connectors.kafka.client.options import REQUEST_TIMEOUT_MS, connecting, connection_options
from textsieve.worker.errors import PublishFailed
from textsieve.worker.records import Record
from textsieve.worker.settings import KafkaSettings

MAX_IN_FLIGHT = 1_000  # messages sent and not yet acked
MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024  # of their values and keys: bounds memory
DELIVERY_SECONDS = 30.0  # for one message to be acked, retries included


def send_back(settings: KafkaSettings, messages: Iterable[Record], *, max_message_bytes: int) -> Iterator[Record]:
    """Send messages to the topics they name; yields each as the broker acks it.

    A key decides the partition; messages without one are spread evenly. Only topic, key, value and headers are sent:
    the timestamp is the present, or retention could remove the message before it is read.

    Args:
        settings: of the connection.
        messages: what to send.
        max_message_bytes: the largest message there can be.

    Raises:
        PublishFailed: a message was refused or not acked in time, so the rest was not sent.
        BrokerUnavailable: the broker does not answer; nothing was sent.
    """
    with connecting("opening a producer"):
        producer = KafkaProducer(
            **connection_options(settings),
            metrics_enabled=False,
            enable_idempotence=True,
            acks="all",
            compression_type=None if settings.compression == "none" else settings.compression,
            max_request_size=2 * max_message_bytes,
            max_block_ms=REQUEST_TIMEOUT_MS,
            delivery_timeout_ms=int(DELIVERY_SECONDS * 1000),
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
    sender = _Sender(producer)
    try:
        for message in messages:
            yield from sender.send(message)
        yield from sender.settle()
    finally:
        with suppress(KafkaError):
            producer.close(timeout=1.0)


class _Sender:
    """Keeps a bounded window of messages in flight and looks at the fate of every one."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._in_flight: deque[tuple[Record, Any]] = deque()
        self._in_flight_bytes = 0
        self._keyless = 0

    def send(self, message: Record) -> Iterator[Record]:
        """Queue a message once there is room; yields what was acked meanwhile."""
        while self._in_flight and self._is_full(message):
            yield self._oldest()
        try:
            future = self._producer.send(
                message.topic,
                message.value,
                message.key,
                list(message.headers),
                self._partition(message),
            )
        except (KafkaError, ValueError) as error:
            yield from self.settle()
            raise PublishFailed(_failure(message, error)) from error
        self._in_flight.append((message, future))
        self._in_flight_bytes += _size(message)

    def settle(self) -> Iterator[Record]:
        """Wait for everything in flight; yields what was acked."""
        while self._in_flight:
            yield self._oldest()

    def _is_full(self, message: Record) -> bool:
        is_long = len(self._in_flight) >= MAX_IN_FLIGHT
        return is_long or self._in_flight_bytes + _size(message) > MAX_IN_FLIGHT_BYTES

    def _partition(self, message: Record) -> int | None:
        if message.key is not None:
            return None  # the client's own choice: by hash of the key
        numbers = sorted(self._producer.partitions_for(message.topic))
        self._keyless += 1
        return int(numbers[self._keyless % len(numbers)])

    def _oldest(self) -> Record:
        message, future = self._in_flight.popleft()
        self._in_flight_bytes -= _size(message)
        try:
            future.get(timeout=DELIVERY_SECONDS + 1)
        except KafkaError as error:
            raise PublishFailed(_failure(message, error)) from error
        return message


def _size(message: Record) -> int:
    return len(message.key or b"") + len(message.value or b"")


def _failure(message: Record, error: Exception) -> str:
    return f"sending dead letter {message.partition}/{message.offset} back to {message.topic}: {type(error).__name__}"
