"""Reading topics from their beginning to their end, outside any group."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

POSITION_MS = 10_000  # for the consumer to say where it is
_NO_ENDS: Mapping[Any, int] = MappingProxyType({})


def polls_to_end(
    consumer: Any, partitions: Sequence[Any], *, poll_ms: int, ends: Mapping[Any, int] = _NO_ENDS
) -> Iterator[list[Any]]:
    """Poll until everything was read that the partitions held at the first response of each, and perhaps some more.

    A partition ends at the high watermark of its first fetch response, fixed then because a topic may grow faster than
    it is read. `end_offsets` alone does not tell: the embedded broker answers it too low. Right after an election of
    Apache Kafka the high watermark lags, so whoever must not miss a record asks for both.

    Args:
        consumer: kafka-python's, without a group.
        partitions: TopicPartitions to read.
        poll_ms: how long one poll waits.
        ends: partition to the offset that it ends at, at least.

    Yields:
        The messages of each poll, perhaps none: whoever has a deadline looks at the clock then.
    """
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    known: dict[Any, int] = {}
    unread = set(partitions)
    while unread:
        batches = consumer.poll(timeout_ms=poll_ms)
        yield [message for batch in batches.values() for message in batch]
        for partition in tuple(unread):
            if (highwater := consumer.highwater(partition)) is not None:
                end = known.setdefault(partition, max(highwater, ends.get(partition, 0)))
                if consumer.position(partition, timeout_ms=POSITION_MS) >= end:
                    unread.discard(partition)
