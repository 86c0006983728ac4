"""What messages add to the shared counters for bursts, and what is read back from these."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.campaigns.bursts import BUCKET_MS
from textsieve.worker.counting.counters import Counter, Increments, Table
from textsieve.worker.records import Partition

TTL_SECONDS: Final = 6 * 3600  # of the counts of a bucket, since their last message: a lag of hours is caught up

_PARTITION = "@"  # begins the field of a partition; campaigns begin with a hexadecimal digit


@dataclass(frozen=True, slots=True)
class BucketCounts:
    """The messages of one bucket of event time, as all workers have counted them.

    Attributes:
        campaigns: messages of each campaign.
        labels: and of each of its labels.
        partitions: all messages of each partition.
    """

    campaigns: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    partitions: Mapping[Partition, int] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """All messages."""
        return sum(self.partitions.values())


def table(bucket: int) -> Table:
    """Where the messages of a bucket are counted."""
    return Table(f"campaigns:{bucket}", TTL_SECONDS)


def increments(
    sources: Sequence[Partition],
    offsets: NDArray[np.int64],
    timestamps_ms: NDArray[np.int64],
    campaigns: Sequence[str | None],
    labels: Sequence[str],
) -> Increments:
    """What a batch counts: every message its partition, and its campaign where it has one; without a timestamp nothing.

    Args:
        sources: [rows]
        offsets: [rows]
        timestamps_ms: [rows], event time; -1: none.
        campaigns: [rows]
        labels: [rows], the best one of each message.
    """
    rows: list[int] = []
    counters: list[Counter] = []
    for row, (source, time_ms, campaign) in enumerate(zip(sources, timestamps_ms.tolist(), campaigns, strict=True)):
        if time_ms < 0:
            continue
        bucket = table(time_ms // BUCKET_MS)
        rows.append(row)
        counters.append(Counter(bucket, f"{_PARTITION}{source.topic}:{source.partition}"))
        if campaign is not None:
            rows.append(row)
            counters.append(Counter(bucket, f"{campaign} {labels[row]}"))
    return Increments([sources[row] for row in rows], offsets[rows], counters, np.ones(len(rows), np.int64))


def bucket_counts(fields: Mapping[str, int]) -> BucketCounts:
    """The inverse of `increments`, of one table."""
    campaigns: Tally[str] = Tally()
    labels: dict[str, dict[str, int]] = {}
    partitions = {}
    for name, count in fields.items():
        if name.startswith(_PARTITION):
            topic, _, number = name.removeprefix(_PARTITION).rpartition(":")
            partitions[Partition(topic, int(number))] = count
        else:
            campaign, _, label = name.partition(" ")
            campaigns[campaign] += count
            labels.setdefault(campaign, {})[label] = count
    return BucketCounts(campaigns, labels, partitions)
