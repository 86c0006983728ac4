"""The transactional producer of a worker: its id, and its successors where an outcome is unknown."""

from dataclasses import dataclass
from typing import Any

from textsieve.worker.connectors.kafka.client.options import connecting
from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory, abandon

LINGER_MS = 5  # a transaction flushes at once; more would only wait
INIT_SECONDS = 5.0  # for an id: an election of its coordinator takes as long, and the next try comes soon
RETRY_MS = 5  # the markers of the last transaction are awaited by asking again: the library's 100 ms would be paid


@dataclass(slots=True)
class TransactionalProducer:
    """At most one client at a time.

    A successor takes the same transactional id: the broker then ends what the old one had begun, one way or the other,
    before it answers, and refuses whatever the old one still sends.

    Attributes:
        transactional_id: of this process alone; a number follows it where it cannot be taken again.
        client: kafka-python's, None where none is open.
        is_open_ended: a transaction was given up, and no successor has ended it.
    """

    transactional_id: str
    client: Any = None
    is_open_ended: bool = False
    _ids: int = 0  # that could not be taken before this one

    def open(self, producers: ProducerFactory, *, seconds: float = INIT_SECONDS, **options: Any) -> Any:
        """The producer; a new one ends what was given up before, if that can be ended.

        A transaction that has touched a partition without a leader cannot be, and its id stays taken as long. Then the
        next producer has another id: what the old one had begun ends when its time is over, and meanwhile the broker
        does not say what the group has committed.

        Raises:
            BrokerUnavailable: the broker does not answer.
            OwnershipLost, ConfigurationError: it refuses the id.
        """
        if self.client is None:
            limit = min(seconds, producers.publish_seconds)
            own_id = f"{self.transactional_id}-{self._ids}" if self._ids else self.transactional_id
            with connecting(f"opening the transactional producer {own_id}"):
                producer = producers.open(
                    linger_ms=LINGER_MS,
                    transactional_id=own_id,
                    transaction_timeout_ms=int(producers.publish_seconds * 1000),
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
            producer.config["max_block_ms"] = int(producers.publish_seconds * 1000)
            self.client, self.is_open_ended = producer, False
        return self.client

    def give_up(self) -> None:
        """Let go of the client and of its transaction, whose outcome is unknown."""
        held, self.client = self.client, None
        if held is not None:
            self.is_open_ended = True
            abandon(held)

    def close(self, *, timeout_seconds: float) -> None:
        """End the client, if there is one.

        Raises:
            KafkaError: it did not end in time.
        """
        held, self.client = self.client, None
        if held is not None:
            held.close(timeout=timeout_seconds)
