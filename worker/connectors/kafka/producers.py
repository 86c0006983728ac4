"""The producers behind a sink: one for everything, or one per input partition that the broker itself fences."""

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from worker.connectors.kafka.clients import METADATA_AGE_MS, connecting, connection_options
from worker.records import Partition
from worker.settings import KafkaSettings, OutputSettings

LINGER_MS = 50  # nothing leaves while a batch of results is appended, unless it is full: the sender takes no turns
BATCH_BYTES = 512 * 1024
CLOSE_SECONDS = 1.0  # for a producer that holds nothing
FENCED_LINGER_MS = 5  # or the producers of several partitions would be flushed one after the other
FENCED_RETRY_MS = 20  # between the two steps of taking an id: the library's 100 ms would be paid for every partition


class Producers(Protocol):
    """Where the answers of a batch are sent."""

    def open(self, sources: Collection[Partition]) -> None:
        """Connect for the answers to these partitions; fence older owners, so call it before the ledger is read."""
        ...

    def to(self, source: Partition) -> Any:
        """The producer for the answers to one partition, ready to send."""
        ...

    def finish(self, *, deadline: float) -> None:
        """Make what was acked since the last call count; `deadline` is a monotonic time in seconds.

        Raises:
            KafkaError: it may count, or not.
        """
        ...

    def release(self) -> Sequence[Any]:
        """Forget all producers and hand them over, to be closed."""
        ...


@dataclass(slots=True)
class Connection:
    """What all producers of a worker have in common.

    Attributes:
        publish_seconds: no send lives longer.
    """

    kafka: KafkaSettings
    output: OutputSettings
    publish_seconds: float

    def producer(self, *, linger_ms: int = LINGER_MS, **options: Any) -> Any:
        """Open one; `options` are the library's.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        delivery_ms = int(self.publish_seconds * 1000)
        return KafkaProducer(
            **connection_options(self.kafka),
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
            **options,
        )


@dataclass(slots=True)
class SharedProducer:
    """One idempotent producer for everything; what keeps zombies away is the fence of the consumer group alone."""

    connection: Connection
    _producer: Any = None

    def open(self, sources: Collection[Partition]) -> None:
        """See Producers."""
        if self._producer is None and sources:
            with connecting("opening a producer"):
                self._producer = self.connection.producer()

    def to(self, source: Partition) -> Any:
        """See Producers."""
        self.open([source])
        return self._producer

    def finish(self, *, deadline: float) -> None:
        """See Producers."""

    def release(self) -> Sequence[Any]:
        """See Producers."""
        held, self._producer = self._producer, None
        return [] if held is None else [held]


@dataclass(slots=True)
class FencedProducers:
    """One transactional id per input partition: whoever takes it over shuts the older owner out, at the broker.

    A batch is one transaction per partition. One that is not committed is aborted by the next `open` of its id. Every
    `open` takes all ids over anew, those too that are held already: somebody who had the partition in between may have
    died in a transaction, and until that is ended the ledger cannot be read past it.
    """

    connection: Connection
    _open: dict[Partition, Any] = field(default_factory=dict)
    _begun: set[Partition] = field(default_factory=set)

    def open(self, sources: Collection[Partition]) -> None:
        """See Producers.

        Raises:
            BrokerUnavailable: the broker does not answer.
            OwnershipLost: somebody else takes the same partition over right now.
        """
        for producer in self.release():
            with suppress(KafkaError):
                producer.close(timeout=CLOSE_SECONDS)
        for source in sorted(sources):
            self._take_over(source)

    def to(self, source: Partition) -> Any:
        """See Producers."""
        if source not in self._open:
            self._take_over(source)
        producer = self._open[source]
        if source not in self._begun:
            producer.begin_transaction()
            self._begun.add(source)
        return producer

    def finish(self, *, deadline: float) -> None:
        """See Producers."""
        commits = []
        for source in self._begun:  # commit_transaction() would wait without a limit, and for one after the other
            producer = self._open[source]
            commits.append(producer._transaction_manager.begin_commit())  # noqa: SLF001
            producer._sender.wakeup()  # noqa: SLF001
        for commit in commits:
            if not commit.wait(timeout_ms=max(1, int((deadline - time.monotonic()) * 1000))):
                raise KafkaTimeoutError("the broker did not confirm a transaction in time")
        self._begun.clear()

    def release(self) -> Sequence[Any]:
        """See Producers."""
        held = list(self._open.values())
        self._open.clear()
        self._begun.clear()
        return held

    def _take_over(self, source: Partition) -> None:
        transactional_id = f"{self.connection.kafka.group_id}/{source.topic}/{source.partition}"
        with connecting(f"taking over the transactional id {transactional_id}"):
            self._open[source] = self.connection.producer(
                linger_ms=FENCED_LINGER_MS,
                transactional_id=transactional_id,
                transaction_timeout_ms=int(self.connection.publish_seconds * 1000),
                retry_backoff_ms=FENCED_RETRY_MS,
            )
            self._open[source].init_transactions()
