"""Sends messages to Kafka and accounts for every single one."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from itertools import cycle
from typing import Any, NamedTuple, Protocol

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import (
    CorruptRecordError,
    InvalidRecordError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from textsieve.producer.connection import Connection
from textsieve.producer.errors import BrokerUnavailable
from textsieve.producer.messages import Message
from textsieve.producer.report import Report
from textsieve.producer.topics import TopicSpec, ensure_topic

DELIVERY_SECONDS = 30.0  # how long a message may wait for its ack; longer means that the broker is gone
REQUEST_SECONDS = 10.0  # one try; several fit into a delivery
CLOSE_SECONDS = 1.0
LINGER_MS = 5  # fills batches at full speed, adds nothing that a person would notice
BATCH_BYTES = 65_536  # before compression: fewer requests for short texts than the client's 16 KiB
MAX_IN_FLIGHT = 5_000  # messages without an ack: the client's own bound is gone in 3.0
MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024

_FAULTS_OF_ONE_MESSAGE = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidRecordError,
    CorruptRecordError,
    ValueError,
)


class Client(Protocol):
    """The part of kafka-python's producer that is used."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes]],
        partition: int | None,
    ) -> Any:
        """Queue a message; the future has `is_done` and `get(timeout_seconds)`."""


class _InFlight(NamedTuple):
    future: Any
    origin: str
    size_bytes: int


class Publisher:
    """Sends through a client, at most so much at once, and learns the fate of every message.

    Messages without a key go round the partitions one by one, so that a short stream reaches every
    worker; the client's own choice fills one partition's batch first. Messages with a key go where Kafka's default
    partitioner puts them.
    """

    def __init__(
        self,
        client: Client,
        *,
        topic: str,
        partitions: Sequence[int],
        on_failure: Callable[[str], object],
        max_in_flight: int = MAX_IN_FLIGHT,
        max_in_flight_bytes: int = MAX_IN_FLIGHT_BYTES,
    ) -> None:
        self._client = client
        self._topic = topic
        self._next_partition = cycle(partitions)
        self._on_failure = on_failure
        self._max_in_flight = max_in_flight
        self._max_in_flight_bytes = max_in_flight_bytes
        self._in_flight: deque[_InFlight] = deque()
        self._in_flight_bytes = 0
        self.sent = 0
        self.acked = 0
        self.failed = 0
        self.fault: str | None = None  # set once: more messages would meet the same end

    def send(self, message: Message) -> None:
        """Queue a message, after waiting for room; a failure is counted, not raised."""
        size_bytes = len(message.value or b"") + len(message.key or b"")
        while self._in_flight and (self._in_flight[0].future.is_done or self._is_full(size_bytes)):
            self._settle_oldest()
        partition = next(self._next_partition) if message.key is None else None
        self.sent += 1
        try:
            future = self._client.send(self._topic, message.value, message.key, list(message.headers), partition)
        except (KafkaError, ValueError) as error:
            self._count_failure(message.origin, error)
            return
        self._in_flight.append(_InFlight(future, message.origin, size_bytes))
        self._in_flight_bytes += size_bytes

    def settle(self) -> None:
        """Wait until every message sent so far is acked or failed."""
        while self._in_flight:
            self._settle_oldest()

    def _is_full(self, size_bytes: int) -> bool:
        is_long = len(self._in_flight) >= self._max_in_flight
        return is_long or self._in_flight_bytes + size_bytes > self._max_in_flight_bytes

    def _settle_oldest(self) -> None:
        oldest = self._in_flight[0]
        try:
            oldest.future.get(DELIVERY_SECONDS + REQUEST_SECONDS)
        except KafkaError as error:
            self._count_failure(oldest.origin, error)
        else:
            self.acked += 1
        self._in_flight.popleft()
        self._in_flight_bytes -= oldest.size_bytes

    def _count_failure(self, origin: str, error: Exception) -> None:
        self.failed += 1
        if isinstance(error, _FAULTS_OF_ONE_MESSAGE):
            self._on_failure(f"{origin}: {error}")
        elif self.fault is None:
            self.fault = str(error)


def publish(
    messages: Iterable[Message],
    *,
    connection: Connection,
    topic: TopicSpec,
    compression: str | None = "lz4",
    on_failure: Callable[[str], object] = lambda _: None,
    on_warning: Callable[[str], object] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Create the topic if it is missing, send every message, wait for every ack.

    Sending ends early when the broker is lost on the way (`Report.fault`); a message refused for itself,
    such as one larger than the topic's limit, only counts as failed and is told to `on_failure`. The time
    in the report starts with the first message, not with connecting.

    Raises:
        BrokerUnavailable: The broker cannot be reached, or refused the topic. Nothing was sent.
    """
    options = connection.client_options()
    try:
        with closing(KafkaAdminClient(**options)) as admin:
            partitions = ensure_topic(admin, topic, warn=on_warning)
        client = KafkaProducer(**options, **_producer_options(topic, compression))
    except KafkaError as error:
        servers = ", ".join(connection.bootstrap_servers)
        raise BrokerUnavailable(
            f"no Kafka broker answered at {servers} ({error}): start one, or set --bootstrap-servers"
            " (and --security-protocol, if it wants TLS or a login)"
        ) from error
    publisher = Publisher(client, topic=topic.name, partitions=partitions, on_failure=on_failure)
    started = clock()
    try:
        for message in messages:
            publisher.send(message)
            if publisher.fault is not None:
                break
        publisher.settle()
    finally:
        with suppress(KafkaTimeoutError):  # only where we leave in a hurry: settle() left nothing in flight
            client.close(timeout=CLOSE_SECONDS)
    return Report(
        topic=topic.name,
        sent=publisher.sent,
        acked=publisher.acked,
        failed=publisher.failed,
        seconds=clock() - started,
        fault=publisher.fault,
    )


def _producer_options(topic: TopicSpec, compression: str | None) -> dict[str, Any]:
    return {
        "enable_idempotence": True,  # said aloud: a conflicting option must raise, not switch it off
        "acks": "all",
        "compression_type": compression,
        "linger_ms": LINGER_MS,
        "batch_size": min(BATCH_BYTES, topic.max_message_bytes),
        "max_request_size": topic.max_message_bytes,
        "delivery_timeout_ms": int(DELIVERY_SECONDS * 1000),
        "request_timeout_ms": int(REQUEST_SECONDS * 1000),
        "max_block_ms": int(REQUEST_SECONDS * 1000),
    }
