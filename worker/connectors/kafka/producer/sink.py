"""Results and dead letters to Kafka without transactions: sent once, awaited together, never sent again from memory."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import AuthorizationError, KafkaError

from textsieve.worker.connectors.kafka.client.options import connecting
from textsieve.worker.connectors.kafka.producer.published_offsets import PublishedOffsetsReader, do_nothing
from textsieve.worker.connectors.kafka.producer.sending import (
    ProducerFactory,
    Stamp,
    abandon,
    failure_reason,
    require_leaders,
    send_all,
)
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError, PublishFailed
from textsieve.worker.records import Outgoing, Partition, Position, Progress
from textsieve.worker.streams import Published

READ_BACK_DEPTH = (
    1_000  # older answers to see at least: a worker whose batches were larger may have left a hole so deep
)
ABANDON_SECONDS = 1.0  # for the sender thread to close its connections


@dataclass(slots=True)
class KafkaSink:
    """Sends with an idempotent producer, and abandons it when an outcome is unknown.

    What keeps zombies away is the fence of the consumer group; what keeps repeats away is the output read back.

    Attributes:
        batch: most messages an iteration may hold.
        working: as that of a PublishedOffsetsReader.
    """

    producers: ProducerFactory
    stamp: Stamp
    batch: int
    working: Callable[[], None] = do_nothing
    _producer: Any = None
    _abandoned: list[threading.Thread] = field(default_factory=list)
    _results: PublishedOffsetsReader = field(init=False)
    _dead_letters: PublishedOffsetsReader = field(init=False)

    def __post_init__(self) -> None:
        kafka, depth = self.producers.kafka, max(self.batch, READ_BACK_DEPTH)
        self._results = PublishedOffsetsReader(kafka, kafka.output_topic, depth, self.working)
        self._dead_letters = PublishedOffsetsReader(kafka, kafka.dead_letter_topic, depth, self.working)

    @property
    def is_transactional(self) -> bool:
        """See Sink."""
        return False

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink."""
        deadline = time.monotonic() + ABANDON_SECONDS
        for sender in self._abandoned:
            sender.join(max(0.0, deadline - time.monotonic()))
            if sender.is_alive():
                raise BrokerUnavailable("an abandoned producer has not ended yet: it may still send")
        self._abandoned = []
        if not starts:
            return {}
        self._opened()  # now: the first batch must not wait for a connection
        results = self._results.read(starts)
        dead_letters = self._dead_letters.read(starts)
        return {source: Published(results[source], dead_letters[source]) for source in starts}

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """See Sink; returns when everything is acked."""
        if not (results or dead_letters):
            return
        if timeout_seconds <= 0:
            raise PublishFailed("no time was left between the fence and the send: nothing was sent", reason="timeout")
        kafka, deadline = self.producers.kafka, time.monotonic() + timeout_seconds
        try:
            producer = self._opened()
            require_leaders(producer, kafka, progress)
            send_all(producer, kafka.dead_letter_topic, dead_letters, self.stamp, deadline=deadline)
            send_all(producer, kafka.output_topic, results, self.stamp, deadline=deadline)
        except (KafkaError, OSError) as error:
            held = self._producer
            self._abandon()
            if isinstance(error, AuthorizationError):
                raise ConfigurationError(
                    f"sending to {kafka.output_topic}: the broker refused it ({type(error).__name__});"
                    " docs/security.md has the rights that a worker needs"
                ) from error
            require_leaders(held, kafka, progress)
            raise PublishFailed(
                f"sending to {kafka.output_topic}: {type(error).__name__}: {error}", reason=failure_reason(error)
            ) from error

    def settle(self) -> None:
        """See Sink; what was published is acked."""

    def close(self, *, timeout_seconds: float) -> None:
        """End the producer and the readers; everything published was acked before."""
        held, self._producer = self._producer, None
        if held is not None:
            with suppress(KafkaError):
                held.close(timeout=timeout_seconds)
        for reader in (self._results, self._dead_letters):
            with suppress(KafkaError):
                reader.close()

    def _opened(self) -> Any:
        if self._producer is None:
            with connecting("opening a producer"):
                self._producer = self.producers.open()
        return self._producer

    def _abandon(self) -> None:
        """Let go of the producer: the ledger is read again only when its thread has ended."""
        held, self._producer = self._producer, None
        if held is not None:
            self._abandoned.append(abandon(held))
