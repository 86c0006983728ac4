"""The fault points inside a transaction, where the guarantee is exactly_once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.chaos.control import Gate
from benchmarks.chaos.points import GatedSink
from textsieve.worker.connectors.kafka import ProducerFactory, TransactionalSink
from textsieve.worker.streams import Sink


@dataclass(frozen=True, slots=True)
class GatedProducer:
    """Stops between the steps of a transaction; in all else the producer behind it."""

    inner: Any
    gate: Gate

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        """See KafkaProducer."""
        self.gate.hit("before_offsets")
        self.inner.send_offsets_to_transaction(*arguments)

    def commit_transaction(self) -> None:
        """See KafkaProducer."""
        self.gate.hit("in_a_transaction")
        self.inner.commit_transaction()
        self.gate.hit("between_publish_and_learn")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass(frozen=True, slots=True)
class WrappingFactory(ProducerFactory):
    """Puts something around each producer that it opens."""

    wrap: Callable[[Any], Any] = lambda producer: producer

    def open(self, **options: Any) -> Any:
        """See ProducerFactory."""
        return self.wrap(ProducerFactory.open(self, **options))


def wrap_producers(sink: TransactionalSink, wrap: Callable[[Any], Any]) -> None:
    """Put something around each producer of a sink, outside of what is around it already."""
    made = sink.producers
    within = made.wrap if isinstance(made, WrappingFactory) else None
    sink.producers = WrappingFactory(
        made.kafka,
        made.output,
        made.publish_seconds,
        wrap if within is None else lambda producer: wrap(within(producer)),
    )


def gated_sink(sink: Sink, gate: Gate) -> GatedSink:
    """The sink with its fault points, those inside a transaction included."""
    if isinstance(sink, TransactionalSink):
        wrap_producers(sink, lambda producer: GatedProducer(producer, gate))
    return GatedSink(sink, gate)
