"""The fault point inside a transaction, where `delivery.fencing: producer` opens them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.chaos.control import Gate
from benchmarks.chaos.points import GatedSink
from worker.connectors.kafka import KafkaSink
from worker.connectors.kafka.producers import Producers
from worker.records import Partition
from worker.streams import Sink


@dataclass(slots=True)
class GatedProducers:
    """Stops before transactions are committed."""

    inner: Producers
    gate: Gate

    def open(self, sources: Collection[Partition]) -> None:
        """See Producers."""
        self.inner.open(sources)

    def to(self, source: Partition) -> Any:
        """See Producers."""
        return self.inner.to(source)

    def finish(self, *, deadline: float) -> None:
        """See Producers."""
        self.gate.hit("in_a_transaction")
        self.inner.finish(deadline=deadline)

    def release(self) -> Sequence[Any]:
        """See Producers."""
        return self.inner.release()


def gated_sink(sink: Sink, gate: Gate) -> GatedSink:
    """The sink with its fault points, those among its producers included."""
    if isinstance(sink, KafkaSink):
        sink._producers = GatedProducers(sink._producers, gate)  # noqa: SLF001  # no hook for this in the product
    return GatedSink(sink, gate)
