"""Failures in a row: how many, since when, how long to wait after them, and when they are over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from textsieve.worker.records import Partition

FIRST_BACKOFF_SECONDS = 0.1  # doubles with every failure in a row
MAX_BACKOFF_SECONDS = 5.0


@dataclass(slots=True)
class Failures:
    """Of batches and of the broker.

    Progress elsewhere does not mend a batch that fails every time: they are over once the group has committed past it.

    Attributes:
        count: in a row.
        since: of the first that was told with a time, monotonic seconds; None while there is none.
        batch: next offsets of the batch that was dropped last.
    """

    count: int = 0
    since: float | None = None
    batch: Mapping[Partition, int] = field(default_factory=dict)

    def seconds_since(self, now: float) -> float:
        """How long it has been failing."""
        self.since = now if self.since is None else self.since
        return now - self.since

    def end(self, committed: Mapping[Partition, int]) -> bool:
        """The broker answers: False if a batch that failed is still to be committed, else nothing has failed."""
        if any(committed.get(partition, end) < end for partition, end in self.batch.items()):
            return False
        self.count, self.batch, self.since = 0, {}, None
        return True


def backoff_seconds(failures: int, rng: Random) -> float:
    """How long to wait after so many failures in a row: twice as long after each, with jitter."""
    seconds = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 10))
    return seconds * rng.uniform(0.5, 1.0)
