from textsieve.worker.campaigns.bursts import BUCKET_MS
from textsieve.worker.campaigns.counts import BucketCounts, bucket_counts, message_counts, table
from textsieve.worker.records import Partition, Position
from textsieve.worker.testing import MemoryCounterStore

LEFT, RIGHT = Partition("in", 0), Partition("in.other", 11)


def counted(store: MemoryCounterStore, bucket: int) -> BucketCounts:
    return bucket_counts(store.read(table(bucket).name))


def test_what_was_counted_is_read_back() -> None:
    store = MemoryCounterStore()
    messages = (
        (LEFT, 0, "c1", "spam"),
        (LEFT, BUCKET_MS, "c1", "spam"),
        (RIGHT, 5, "c1", "not spam"),
        (RIGHT, 9, None, "ham"),
    )
    for offset, message in enumerate(messages):
        store.add(
            LEFT,
            dict(message_counts(*message)),
            expected=store.marks().get(LEFT),
            mark=Position(offset + 1, "life"),
        )

    first = counted(store, 0)
    assert {"c1": 2} == first.campaigns
    assert {"c1": {"spam": 1, "not spam": 1}} == first.labels
    assert {LEFT: 1, RIGHT: 2} == first.partitions
    assert 3 == first.messages
    assert BucketCounts({"c1": 1}, {"c1": {"spam": 1}}, {LEFT: 1}) == counted(store, 1)


def test_messages_without_a_timestamp_count_in_no_bucket() -> None:
    assert () == message_counts(LEFT, -1, "c1", "spam")


def test_a_bucket_without_messages_is_empty() -> None:
    assert 0 == bucket_counts({}).messages
