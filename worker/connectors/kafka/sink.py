"""Results and dead letters to Kafka: sent once, awaited together, never sent again from memory."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from kafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from worker.codec import PREFIX
from worker.connectors.kafka.clients import connection_options
from worker.connectors.kafka.ledger import TOPIC_ID_HEADER, LedgerReader
from worker.connectors.kafka.producers import Connection, FencedProducers, Producers, SharedProducer
from worker.errors import BrokerUnavailable, OwnershipLost, PublishFailed
from worker.records import Header, Outgoing, Partition, Position
from worker.settings import KafkaSettings, OutputSettings
from worker.streams import Published

LEDGER_DEPTH = 1_000  # older answers to see at least: a worker whose batches were larger may have left a hole so deep
ABANDON_SECONDS = 1.0  # for the sender thread to close its connections


@dataclass(slots=True)
class KafkaSink:
    """Sends with idempotent producers, and abandons them when an outcome is unknown.

    Attributes:
        fencing: what keeps a zombie from publishing, see `producers_of`.
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
    fencing: Literal["group", "producer"] = "group"
    _producers: Producers = field(init=False)
    _abandoned: list[threading.Thread] = field(default_factory=list)
    _results: LedgerReader = field(init=False)
    _dead_letters: LedgerReader = field(init=False)

    def __post_init__(self) -> None:
        connection = Connection(self.kafka, self.output, self.publish_seconds)
        fenced = self.fencing == "producer"
        self._producers = FencedProducers(connection) if fenced else SharedProducer(connection)
        # What was aborted is no answer, unless the broker shows it to everybody all the same.
        committed = fenced or self.kafka.preset == "kafka"
        options = connection_options(self.kafka) | {
            "fetch_max_bytes": self.kafka.fetch_max_bytes,
            "isolation_level": "read_committed" if committed else "read_uncommitted",
        }
        depth = max(self.batch, LEDGER_DEPTH)
        self._results = LedgerReader(options, self.kafka.output_topic, depth)
        self._dead_letters = LedgerReader(options, self.kafka.dead_letter_topic, depth)

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        deadline = time.monotonic() + ABANDON_SECONDS
        for sender in self._abandoned:
            sender.join(max(0.0, deadline - time.monotonic()))
            if sender.is_alive():
                raise BrokerUnavailable("an abandoned producer has not ended yet: it may still send")
        self._abandoned = []
        self._producers.open(starts)  # now: older owners must be shut out before, and the first batch must not wait
        if not starts:
            return {}
        results = self._results.read(starts)
        dead_letters = self._dead_letters.read(starts)
        return {source: Published(results[source], dead_letters[source]) for source in starts}

    def publish(self, *, results: Sequence[Outgoing], dead_letters: Sequence[Outgoing], timeout_seconds: float) -> None:
        """See Sink."""
        if not (results or dead_letters):
            return
        if timeout_seconds <= 0:
            raise PublishFailed("no time was left between the fence and the send: nothing was sent", reason="timeout")
        deadline = time.monotonic() + timeout_seconds
        try:
            self._send(self.kafka.dead_letter_topic, dead_letters, deadline)
            self._send(self.kafka.output_topic, results, deadline)
            self._producers.finish(deadline=deadline)
        except (KafkaError, OSError) as error:
            self._abandon()
            if _is_fenced(error):
                raise OwnershipLost("publishing: another worker has taken over a transactional id") from error
            raise PublishFailed(
                f"sending to {self.kafka.output_topic}: {type(error).__name__}: {error}", reason=_reason(error)
            ) from error

    def close(self, *, timeout_seconds: float) -> None:
        """End the producers and the readers; everything published was acked before."""
        deadline = time.monotonic() + timeout_seconds
        for producer in self._producers.release():
            with suppress(KafkaError):
                producer.close(timeout=max(0.0, deadline - time.monotonic()))
        for reader in (self._results, self._dead_letters):
            with suppress(KafkaError):
                reader.close()

    def _send(self, topic: str, messages: Sequence[Outgoing], deadline: float) -> None:
        """Send and await every ack; flush() makes it leave at once, but may return although sends failed."""
        if not messages:
            return
        if time.monotonic() >= deadline:
            raise KafkaTimeoutError("the dead letters took all the time")
        sources = {message.source for message in messages}
        producers = {source: self._producers.to(source) for source in sources}
        routes = {source: (producers[source].send, source.partition, self._stamp(source)) for source in sources}
        futures = []
        for message in messages:
            send, partition, stamp = routes[message.source]
            future = send(
                topic,
                value=message.value,
                key=message.key,
                headers=message.headers + stamp,
                partition=partition,
                timestamp_ms=max(0, message.timestamp_ms),
            )
            futures.append(future)
        # its patience is for each of the client's batches, none of which lives longer than delivery_timeout_ms
        for producer in {id(producer): producer for producer in producers.values()}.values():
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
        """Let go of the producers without flushing: what they still hold must not be sent later."""
        held = self._producers.release()
        for producer in held:
            sender = producer._sender  # noqa: SLF001  # close() flushes first, and would send after the fence ran out
            sender.force_close()
            self._abandoned.append(sender)  # the ledger is read again only when this thread has ended
        for producer in held:
            with suppress(KafkaError):
                producer.close(timeout=0)


def _is_fenced(error: Exception) -> bool:
    """Whether the broker knows a newer owner; the library wraps that in what it says to later calls."""
    causes = (error, *error.args)
    return any(isinstance(cause, (ProducerFencedError, InvalidProducerEpochError)) for cause in causes)


def _reason(error: Exception) -> str:
    """The error as the metrics name it."""
    match error:
        case KafkaTimeoutError() | TimeoutError():
            return "timeout"
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return "too_large"
        case (
            TopicAuthorizationFailedError()
            | ClusterAuthorizationFailedError()
            | TransactionalIdAuthorizationFailedError()
        ):
            return "authorization"
        case _:
            return "other"
