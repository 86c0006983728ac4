"""What messages add to the shared counters for bursts, and what is read back from these."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from textsieve.worker.campaigns.bursts import BUCKET_MS
from textsieve.worker.campaigns.watermark import LATENESS_MS
from textsieve.worker.counting.counters import Counter, Table
from textsieve.worker.counting.increments import Counts
from textsieve.worker.records import Partition, Record

TTL_SECONDS: Final = 3600  # of the counts of a bucket, since their last message: they are read within half an hour

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


def with_credible_times(records: Sequence[Record], *, now_ms: int) -> Sequence[Record]:
    """The records, without their timestamp where it lies in the future: milliseconds of another unit, a wrong clock.

    Args:
        records: as they were read.
        now_ms: Unix time.
    """
    limit = now_ms + LATENESS_MS
    return [record if record.timestamp_ms <= limit else replace(record, timestamp_ms=-1) for record in records]


def message_counts(source: Partition, timestamp_ms: int, campaign: str | None, label: str) -> Counts:
    """What a message counts: its partition, and its campaign where it has one; without a timestamp nothing.

    Args:
        source: where it was read.
        timestamp_ms: event time; -1: none.
        campaign: its id.
        label: the best one.
    """
    if timestamp_ms < 0:
        return ()
    bucket = table(timestamp_ms // BUCKET_MS)
    of_partition = (Counter(bucket, f"{_PARTITION}{source.topic}:{source.partition}"), 1)
    if campaign is None:
        return (of_partition,)
    return of_partition, (Counter(bucket, f"{campaign} {label}"), 1)


def bucket_counts(fields: Mapping[str, int]) -> BucketCounts:
    """The inverse of `message_counts`, of one table."""
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
