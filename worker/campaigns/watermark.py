"""How far event time has come in all partitions together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textsieve.worker.records import Partition

LATENESS_MS: Final = 60_000  # messages of one partition come in the order of their times but for so much
IDLE_MS: Final = 30_000  # a partition without messages for so long holds nobody up

MAX_LAG_MS: Final = 1_800_000  # so far behind the others a partition holds them up, and no further


@dataclass(frozen=True, slots=True)
class PartitionTime:
    """What a partition has shown.

    Attributes:
        largest_ms: event time of its latest message.
        heard_ms: when that came, by the clock of who asks.
    """

    largest_ms: int
    heard_ms: int


def watermark(partitions: Mapping[Partition, PartitionTime], *, now_ms: int) -> int | None:
    """The event time before which nothing more is expected, Unix milliseconds; None: nothing was ever heard.

    The least of all partitions that are not idle, but for those more than MAX_LAG_MS behind another one. Where all are
    idle, the stream is at rest, and nothing is held back.
    """
    active = [time.largest_ms for time in partitions.values() if now_ms - time.heard_ms < IDLE_MS]
    if active:
        return max(min(active), max(active) - MAX_LAG_MS) - LATENESS_MS
    return max((time.largest_ms for time in partitions.values()), default=None)


def observed(
    partitions: Mapping[Partition, PartitionTime], largest_ms: Mapping[Partition, int], *, now_ms: int
) -> Mapping[Partition, PartitionTime]:
    """The partitions after a batch whose largest event times are `largest_ms`; times never go back."""
    news = {
        partition: PartitionTime(
            max(time, partitions[partition].largest_ms if partition in partitions else time), now_ms
        )
        for partition, time in largest_ms.items()
    }
    return {**partitions, **news}
