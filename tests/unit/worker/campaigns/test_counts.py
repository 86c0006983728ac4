import numpy as np

from textsieve.worker.campaigns.bursts import BUCKET_MS
from textsieve.worker.campaigns.counts import BucketCounts, bucket_counts, increments, table
from textsieve.worker.counting.guarded import GuardedCounters
from textsieve.worker.records import Partition, Position
from textsieve.worker.testing import MemoryCounterStore

LEFT, RIGHT = Partition("in", 0), Partition("in.other", 11)


def counted(store: MemoryCounterStore, bucket: int) -> BucketCounts:
    return bucket_counts(store.read(table(bucket).name))


def test_what_was_counted_is_read_back() -> None:
    store = MemoryCounterStore()
    counters = GuardedCounters(store)
    counters.begin({LEFT: Position(0, "life"), RIGHT: Position(0, "life")})
    batch = increments(
        [LEFT, LEFT, RIGHT, RIGHT],
        np.array([0, 1, 0, 1]),
        np.array([0, BUCKET_MS, 5, 9]),
        ["c1", "c1", "c1", None],
        ["spam", "spam", "not spam", "ham"],
    )

    counters.observe(batch, {LEFT: 2, RIGHT: 2})
    counters.flush()

    first = counted(store, 0)
    assert {"c1": 2} == first.campaigns
    assert {"c1": {"spam": 1, "not spam": 1}} == first.labels
    assert {LEFT: 1, RIGHT: 2} == first.partitions
    assert 3 == first.messages
    assert BucketCounts({"c1": 1}, {"c1": {"spam": 1}}, {LEFT: 1}) == counted(store, 1)


def test_messages_without_a_timestamp_count_in_no_bucket() -> None:
    batch = increments([LEFT], np.array([7]), np.array([-1]), ["c1"], ["spam"])

    assert [] == list(batch.counters)


def test_a_bucket_without_messages_is_empty() -> None:
    assert 0 == bucket_counts({}).messages
