"""The fault points inside a transaction, where the guarantee is exactly_once."""

from dataclasses import dataclass
from typing import Any

from benchmarks.chaos.control import Gate
from benchmarks.chaos.points import GatedSink
from worker.connectors.kafka import ProducerFactory, TransactionalSink
from worker.streams import Sink


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
class GatedFactory(ProducerFactory):
    """Opens producers with fault points."""

    gate: Gate | None = None

    def open(self, **options: Any) -> Any:
        """See ProducerFactory."""
        inner = ProducerFactory.open(self, **options)
        return inner if self.gate is None else GatedProducer(inner, self.gate)


def gated_sink(sink: Sink, gate: Gate) -> GatedSink:
    """The sink with its fault points, those inside a transaction included."""
    if isinstance(sink, TransactionalSink):
        made = sink.producers
        sink.producers = GatedFactory(made.kafka, made.output, made.publish_seconds, gate)
    return GatedSink(sink, gate)
