"""Results, dead letters and the input offsets behind them in one transaction a batch (KIP-447).

A transaction is carried through by a thread of its own, for every one of its steps waits for the brokers: meanwhile the
worker polls, and the model works on the next batch. The library's calls have no time limit, so the worker watches: a
transaction that has not ended by its deadline is given up together with its producer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from kafka import TopicPartition
from kafka.errors import (
    AuthorizationError,
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    InvalidProducerEpochError,
    KafkaError,
    ProducerFencedError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.connectors.kafka.group.member import Membership
from textsieve.worker.connectors.kafka.group.static_membership import raise_fenced
from textsieve.worker.connectors.kafka.producer.published_offsets import PublishedOffsetsReader, do_nothing
from textsieve.worker.connectors.kafka.producer.sending import (
    ProducerFactory,
    Stamp,
    failure_reason,
    require_leaders,
    send_all,
)
from textsieve.worker.connectors.kafka.producer.transaction import Transaction
from textsieve.worker.connectors.kafka.producer.transactional_producer import TransactionalProducer
from textsieve.worker.errors import ConfigurationError, OwnershipLost, PublishFailed, ServiceError
from textsieve.worker.records import Outgoing, Partition, Position, Progress
from textsieve.worker.streams import Published

_LOST = (
    CommitFailedError,
    IllegalGenerationError,
    InvalidProducerEpochError,
    ProducerFencedError,
    UnknownMemberIdError,
)


@dataclass(slots=True)
class TransactionalSink:
    """One transactional producer a worker, thrown away when a transaction fails or its outcome is unknown.

    Attributes:
        transactional_id: as that of a TransactionalProducer.
        membership: asked at every batch for what was kept when the partitions were assigned.
        working: as that of a PublishedOffsetsReader.
    """

    producers: ProducerFactory
    stamp: Stamp
    transactional_id: str
    membership: Callable[[], Membership]
    working: Callable[[], None] = do_nothing
    _producer: TransactionalProducer = field(init=False)
    _transaction: Transaction | None = None
    _dead_letters: PublishedOffsetsReader = field(init=False)

    def __post_init__(self) -> None:
        kafka = self.producers.kafka
        self._producer = TransactionalProducer(self.transactional_id)
        # transactions leave no holes
        self._dead_letters = PublishedOffsetsReader(kafka, kafka.dead_letter_topic, batch=1, working=self.working)

    @property
    def is_transactional(self) -> bool:
        """See Sink."""
        return True

    def recover(self, starts: Mapping[Partition, Position]) -> Mapping[Partition, Published]:
        """See Sink; everything below the committed offset is answered, and the log says by what.

        The log is read only where the clusters have learned less than was committed.
        """
        if self._transaction is not None:
            self._give_up()
        if not starts:
            return {}
        self._producer.open(self.producers)
        committed = self.membership().committed
        behind = {source: start for source, start in starts.items() if start.offset < committed.get(source, 0)}
        letters = self._dead_letters.read(behind) if behind else {}
        found = {source: Published() for source in starts}
        for source, start in behind.items():
            answered = set(range(start.offset, committed[source]))
            found[source] = Published(answered - letters[source], answered & letters[source])
        return found

    def publish(
        self,
        *,
        results: Sequence[Outgoing],
        dead_letters: Sequence[Outgoing],
        progress: Mapping[Partition, Progress],
        timeout_seconds: float,
    ) -> None:
        """See Sink; the transaction goes on after the return."""
        membership = self.membership()
        if not membership.is_member:
            raise OwnershipLost("this worker is not in the consumer group: it publishes nothing")
        if timeout_seconds <= 0:
            raise PublishFailed("no time was left for a transaction: nothing was sent", reason="timeout")
        kafka, deadline = self.producers.kafka, time.monotonic() + timeout_seconds
        offsets = {
            TopicPartition(*source): self._offset(membership, source, stands) for source, stands in progress.items()
        }
        # of the moment in which the partitions were assigned: meanwhile the source may have gone on to another one
        stamp = replace(self.stamp, generation=lambda: membership.group.generation_id)
        producer = self._producer.open(self.producers)
        require_leaders(producer, kafka, progress)

        def carry_through() -> None:
            producer.begin_transaction()
            send_all(producer, kafka.dead_letter_topic, dead_letters, stamp, deadline=deadline)
            send_all(producer, kafka.output_topic, results, stamp, deadline=deadline)
            producer.send_offsets_to_transaction(offsets, membership.group)
            producer.commit_transaction()

        self._transaction = Transaction(carry_through, deadline, tuple(progress))

    def _offset(self, membership: Membership, source: Partition, stands: Progress) -> OffsetAndMetadata:
        """What to commit: what is only read again, to be learned, must not set the group back to it."""
        note = str(CommitMetadata(self.stamp.topic_ids.get(source.topic, ""), stands.pushed))
        committed = membership.committed.get(source, 0)
        if stands.offset < committed:
            return OffsetAndMetadata(committed, note, -1)  # the leader of that record is not known here
        return OffsetAndMetadata(stands.offset, note, membership.epochs.get(source, -1))

    def settle(self) -> None:
        """See Sink."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            if self._producer.is_open_ended:
                self._producer.open(self.producers)
            return
        error = transaction.outcome()
        if error is None:
            return
        held = self._producer.client
        self._give_up()
        causes = (error, *error.args)  # what went wrong first stands among the arguments of what later calls raise
        for cause in causes:
            if isinstance(cause, FencedInstanceIdError):
                raise_fenced("committing a transaction", error)
            if isinstance(cause, _LOST):
                raise OwnershipLost(
                    f"committing a transaction: the broker refused it ({type(cause).__name__})"
                ) from error
            if isinstance(cause, AuthorizationError):
                raise ConfigurationError(
                    f"committing a transaction: the broker refused it ({type(cause).__name__}); docs/security.md has"
                    " the rights that a worker needs"
                ) from error
        require_leaders(held, self.producers.kafka, transaction.sources)
        raise PublishFailed(
            f"sending to {self.producers.kafka.output_topic}: {type(error).__name__}: {error}",
            reason=failure_reason(error),
        ) from error

    def close(self, *, timeout_seconds: float) -> None:
        """End the producer; a transaction that was given up is ended, or it would hold readers back for its timeout."""
        deadline = time.monotonic() + timeout_seconds
        if self._transaction is not None:
            self._give_up()
        with suppress(ServiceError, OwnershipLost, ConfigurationError):
            if self._producer.is_open_ended:
                self._producer.open(
                    self.producers, seconds=timeout_seconds / 2, bootstrap_timeout_ms=int(timeout_seconds * 500)
                )
        with suppress(KafkaError):
            self._producer.close(timeout_seconds=max(0.0, deadline - time.monotonic()))
            self._dead_letters.close()

    def _give_up(self) -> None:
        """Let go of the producer and of its transaction, whose outcome is unknown."""
        self._transaction = None
        self._producer.give_up()
