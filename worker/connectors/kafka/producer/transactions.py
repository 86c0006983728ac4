"""Results, dead letters and the input offsets behind them in one transaction a batch (KIP-447).

A transaction is carried through by a thread of its own, for every one of its steps waits for the brokers: meanwhile the
worker polls, and the model works on the next batch. The library's calls have no time limit, so the worker watches: a
transaction that has not ended by its deadline is given up together with its producer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

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

from textsieve.worker.connectors.kafka.client.options import connecting
from textsieve.worker.connectors.kafka.group.commit_metadata import CommitMetadata
from textsieve.worker.connectors.kafka.group.member import Membership
from textsieve.worker.connectors.kafka.group.static_membership import raise_fenced
from textsieve.worker.connectors.kafka.producer.published_offsets import PublishedOffsetsReader, do_nothing
from textsieve.worker.connectors.kafka.producer.sending import (
    ProducerFactory,
    Stamp,
    abandon,
    failure_reason,
    require_leaders,
    send_all,
)
from textsieve.worker.connectors.kafka.producer.transaction import Transaction
from textsieve.worker.errors import ConfigurationError, OwnershipLost, PublishFailed, ServiceError
from textsieve.worker.records import Outgoing, Partition, Position, Progress
from textsieve.worker.streams import Published

LINGER_MS = 5  # a transaction flushes at once; more would only wait
INIT_SECONDS = 5.0  # for an id: an election of its coordinator takes as long, and the next try comes soon
RETRY_MS = 5  # the markers of the last transaction are awaited by asking again: the library's 100 ms would be paid

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

    Its successor takes the same transactional id: the broker then ends what the old one had begun, one way or the
    other, before it answers, and refuses whatever the old one still sends.

    Attributes:
        transactional_id: of this process alone; a number follows it where it cannot be taken again.
        membership: asked at every batch for what was kept when the partitions were assigned.
        working: as that of a PublishedOffsetsReader.
    """

    producers: ProducerFactory
    stamp: Stamp
    transactional_id: str
    membership: Callable[[], Membership]
    working: Callable[[], None] = do_nothing
    _producer: Any = None
    _transaction: Transaction | None = None
    _ids: int = 0  # that could not be taken before this one
    _is_open_ended: bool = False  # a transaction was given up, and no successor has ended it
    _dead_letters: PublishedOffsetsReader = field(init=False)

    def __post_init__(self) -> None:
        kafka = self.producers.kafka
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
        self._opened()
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
        producer = self._opened()
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
            if self._is_open_ended:
                self._opened()
            return
        error = transaction.outcome()
        if error is None:
            return
        held = self._producer
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
            if self._is_open_ended:
                self._opened(seconds=timeout_seconds / 2, bootstrap_timeout_ms=int(timeout_seconds * 500))
        held, self._producer = self._producer, None
        with suppress(KafkaError):
            if held is not None:
                held.close(timeout=max(0.0, deadline - time.monotonic()))
            self._dead_letters.close()

    def _opened(self, *, seconds: float = INIT_SECONDS, **options: Any) -> Any:
        """The producer; a new one ends what was given up before, if that can be ended.

        A transaction that has touched a partition without a leader cannot be, and its id stays taken as long. Then the
        next producer has another id: what the old one had begun ends when its time is over, and meanwhile the broker
        does not say what the group has committed.

        Raises:
            BrokerUnavailable: the broker does not answer.
            OwnershipLost, ConfigurationError: it refuses the id.
        """
        if self._producer is None:
            limit = min(seconds, self.producers.publish_seconds)
            own_id = f"{self.transactional_id}-{self._ids}" if self._ids else self.transactional_id
            with connecting(f"opening the transactional producer {own_id}"):
                producer = self.producers.open(
                    linger_ms=LINGER_MS,
                    transactional_id=own_id,
                    transaction_timeout_ms=int(self.producers.publish_seconds * 1000),
                    retry_backoff_ms=RETRY_MS,
                    **options,
                )
                try:
                    producer.config["max_block_ms"] = int(limit * 1000)
                    producer.init_transactions()
                except BaseException:
                    abandon(producer)
                    self._ids += 1
                    raise
            producer.config["max_block_ms"] = int(self.producers.publish_seconds * 1000)
            self._producer, self._is_open_ended = producer, False
        return self._producer

    def _give_up(self) -> None:
        """Let go of the producer and of its transaction, whose outcome is unknown."""
        self._transaction = None
        held, self._producer = self._producer, None
        if held is not None:
            self._is_open_ended = True
            abandon(held)
