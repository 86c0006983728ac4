"""A registry whose scrapes never see half an event."""

from collections.abc import Iterable
from threading import RLock

from prometheus_client import CollectorRegistry, Metric


class ConsistentRegistry(CollectorRegistry):
    """Collects everything between two events.

    An event that touches several metrics (so many consumed, so many in flight) holds `lock` while it does;
    a scrape, which runs in another thread, waits that long.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()

    def collect(self) -> Iterable[Metric]:
        """All metrics as they are at one moment."""
        with self.lock:
            return list(super().collect())
