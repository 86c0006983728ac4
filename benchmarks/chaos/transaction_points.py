"""The fault points inside a transaction, where the guarantee is exactly_once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from benchmarks.chaos.control import FaultPoints
from benchmarks.chaos.fault_points import FaultPointSink
from benchmarks.chaos.wrapped import Wrapped
from textsieve.worker.connectors.kafka import ProducerFactory, TransactionalSink
from textsieve.worker.streams import Sink


@dataclass(slots=True)
class FaultPointProducer(Wrapped):
    """Stops between the steps of a transaction."""

    points: FaultPoints

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        """See KafkaProducer."""
        self.points.hit("before_offsets")
        self.inner.send_offsets_to_transaction(*arguments)

    def commit_transaction(self) -> None:
        """See KafkaProducer."""
        self.points.hit("in_a_transaction")
        self.inner.commit_transaction()
        self.points.hit("between_publish_and_learn")


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


def sink_with_fault_points(sink: Sink, points: FaultPoints) -> Sink:
    """The sink with its fault points, those inside a transaction included."""
    if isinstance(sink, TransactionalSink):
        wrap_producers(sink, lambda producer: FaultPointProducer(producer, points))
    return cast("Sink", FaultPointSink(sink, points))
