from textsieve.worker.campaigns.bursts import BUCKET_MS
from textsieve.worker.campaigns.counts import BucketCounts, bucket_counts, message_counts, table, with_credible_times
from textsieve.worker.campaigns.watermark import LATENESS_MS
from textsieve.worker.records import Partition, Position, Record
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


def test_a_timestamp_more_than_a_minute_in_the_future_is_none() -> None:
    now_ms = 1_764_000_000_000
    records = [Record("in", 0, row, None, b"", time_ms) for row, time_ms in enumerate((0, now_ms, 1000 * now_ms))]

    assert [0, now_ms, -1] == [record.timestamp_ms for record in with_credible_times(records, now_ms=now_ms)]
    ahead = now_ms - LATENESS_MS
    assert [0, now_ms, -1] == [record.timestamp_ms for record in with_credible_times(records, now_ms=ahead)]
    assert [0, -1, -1] == [record.timestamp_ms for record in with_credible_times(records, now_ms=ahead - 1)]


def test_a_bucket_without_messages_is_empty() -> None:
    assert 0 == bucket_counts({}).messages
