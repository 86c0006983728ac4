"""The operator's way to topics outside any group: read them to their end, send messages back to them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from textsieve.worker.connectors.kafka.clients import REQUEST_TIMEOUT_MS, connecting, connection_options, translated
from textsieve.worker.connectors.kafka.following import open_reader
from textsieve.worker.connectors.kafka.messages import record_of
from textsieve.worker.deadletters import Letter, Plan, Selection, marks, messages, plan
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError, PublishFailed
from textsieve.worker.records import Record
from textsieve.worker.settings import KafkaSettings, Settings

POLL_MS = 500
STALLED_POLLS = 20  # empty polls in a row before a topic counts as unreadable
MAX_IN_FLIGHT = 1_000  # messages sent and not yet acked
MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024  # of their values and keys: bounds memory
DELIVERY_SECONDS = 30.0  # for one message to be acked, retries included


def dead_letters(settings: KafkaSettings, selection: Selection) -> Iterator[Letter]:
    """The dead letters that are meant, partition by partition in their order.

    Raises:
        ConfigurationError: the topic does not exist.
        BrokerUnavailable: the broker does not answer.
    """
    return selection.of(read_topics(settings, [settings.dead_letter_topic]))


def draft(settings: KafkaSettings, selection: Selection, *, again: bool) -> Plan:
    """What a replay would send: what is meant, can be sent, and was not sent before.

    An earlier replay is known by the marks it left in the input topics, which are read for them.

    Args:
        settings: where the topics are.
        selection: which letters are meant.
        again: do not look for earlier replays.

    Raises:
        ConfigurationError: a topic does not exist.
        BrokerUnavailable: the broker does not answer.
    """
    made = plan(dead_letters(settings, selection), inputs=settings.input_topics)
    if again or not made.topics:
        return made
    return made.without({mark for record in read_topics(settings, made.topics) for mark in marks(record)})


def resend(settings: Settings, selection: Selection, made: Plan) -> int:
    """Carry out a plan; returns how many messages the broker has acked.

    Raises:
        PublishFailed: one of them was refused or not acked in time, and the rest was not sent.
        BrokerUnavailable: the broker does not answer; nothing was sent.
    """
    planned = messages(dead_letters(settings.kafka, selection), made)
    acked = 0
    try:
        for _ in send_back(settings.kafka, planned, max_message_bytes=settings.output.max_message_bytes):
            acked += 1
    except PublishFailed as error:
        raise PublishFailed(
            f"{error}; {acked} of {len(made.sendable)} were acked. Run it again: what has arrived is not sent twice"
        ) from error
    return acked


def read_topics(settings: KafkaSettings, topics: Sequence[str]) -> Iterator[Record]:
    """Every record that the topics hold at the first response of each partition, and perhaps some later ones.

    The end is the high watermark of the fetch responses, never `end_offsets`: some brokers answer that too low.

    Raises:
        ConfigurationError: a topic does not exist.
        BrokerUnavailable: the broker does not answer.
    """
    consumer = open_reader(settings)
    with closing(consumer), translated(f"reading {', '.join(topics)}"):
        partitions = [partition for topic in topics for partition in _partitions(consumer, topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        yield from _to_the_end(consumer, set(partitions))


def _partitions(consumer: Any, topic: str) -> list[Any]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise ConfigurationError(
            f"topic {topic}: expected it to exist, it does not"
            " (kafka.dead_letter_topic, kafka.input_topics, kafka.output_topic)"
        )
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _to_the_end(consumer: Any, unread: set[Any]) -> Iterator[Record]:
    ends: dict[Any, int] = {}  # fixed at the first response: a topic may grow faster than it is read
    stalled = 0
    while unread:
        batches = consumer.poll(timeout_ms=POLL_MS)
        for batch in batches.values():
            for message in batch:
                yield record_of(message)
        for partition in tuple(unread):
            if (highwater := consumer.highwater(partition)) is not None:
                end = ends.setdefault(partition, highwater)
                if consumer.position(partition, timeout_ms=REQUEST_TIMEOUT_MS) >= end:
                    unread.discard(partition)
        stalled = 0 if batches else stalled + 1
        if stalled > STALLED_POLLS:
            names = ", ".join(sorted(f"{partition.topic}/{partition.partition}" for partition in unread))
            raise BrokerUnavailable(f"reading {names}: nothing came for {STALLED_POLLS * POLL_MS / 1000:.0f} s")


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
            raise PublishFailed(_complaint(message, error)) from error
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
            raise PublishFailed(_complaint(message, error)) from error
        return message


def _size(message: Record) -> int:
    return len(message.key or b"") + len(message.value or b"")


def _complaint(message: Record, error: Exception) -> str:
    return f"sending dead letter {message.partition}/{message.offset} back to {message.topic}: {type(error).__name__}"
