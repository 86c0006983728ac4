"""What a poll holds."""

from textsieve.worker.records import Partition, Record
from textsieve.worker.streams import Poll


def test_a_poll_is_as_long_as_its_messages_and_lists_them_partition_after_partition():
    records = {place: [Record("in", place, offset, None, b"", 0) for offset in range(5, 5 + place)] for place in (2, 1)}

    polled = Poll({Partition("in", place): batch for place, batch in records.items()})

    assert 3 == len(polled)
    assert [(2, 5), (2, 6), (1, 5)] == [(record.partition, record.offset) for record in polled.records]


def test_a_poll_without_messages_is_empty():
    assert (0, []) == (len(Poll()), Poll().records)
