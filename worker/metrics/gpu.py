"""The metrics of a CUDA device, read when they are scraped."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from textsieve.worker.metrics.catalogue import CATALOGUE


class Reading(Protocol):
    """One device at one moment."""

    @property
    def index(self) -> str:
        """Its number."""
        ...

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """Kind to bytes."""
        ...

    @property
    def utilization(self) -> float | None:
        """0..1, or None where it is not known."""
        ...


@dataclass(frozen=True, eq=False)
class GpuCollector(Collector):
    """Exports what `read` finds."""

    read: Callable[[], Reading]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Memory, and the utilisation where it is known."""
        reading = self.read()
        memory, busy = CATALOGUE["gpu_memory_bytes"], CATALOGUE["gpu_utilization_ratio"]
        family = GaugeMetricFamily(memory.exported, memory.meaning, labels=memory.label_names)
        for kind, size in reading.memory_bytes.items():
            family.add_metric([reading.index, kind], size)
        yield family
        if reading.utilization is not None:
            family = GaugeMetricFamily(busy.exported, busy.meaning, labels=busy.label_names)
            family.add_metric([reading.index], reading.utilization)
            yield family
