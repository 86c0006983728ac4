"""How far the owned partitions have been read, and how far that is from their ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textsieve.worker.records import Partition

POLLS_BEYOND_END = (
    20  # 6 s of an idle worker: a new leader's high watermark may lag for moments, a lost log stays short
)


@dataclass(slots=True)
class FetchPositions:
    """The next offset of each partition, beside what fetch responses say of its end.

    Attributes:
        consumer: kafka-python's.
        offsets: partition to the next offset to be read.
    """

    consumer: Any
    offsets: dict[Any, int] = field(default_factory=dict)
    _beyond: dict[Any, int] = field(default_factory=dict)  # polls in a row in which the log ended before the position

    def begin(self, starts: Mapping[Any, int]) -> None:
        """These partitions are read from here on."""
        self.offsets = dict(starts)
        self._beyond.clear()

    def advance(self, batches: Mapping[Any, Sequence[Any]]) -> None:
        """These messages were read."""
        for partition, batch in batches.items():
            self.offsets[partition] = batch[-1].offset + 1

    def beyond_end(self) -> set[Any]:
        """Partitions that end before our position, and stay so: some brokers answer that with silence, not an error."""
        for partition, position in self.offsets.items():
            highwater = self.consumer.highwater(partition)
            is_beyond = highwater is not None and highwater < position
            self._beyond[partition] = self._beyond.get(partition, 0) + 1 if is_beyond else 0
        return {partition for partition, polls in self._beyond.items() if polls >= POLLS_BEYOND_END}

    def lag(self) -> dict[Partition, int]:
        """Messages that are left in each partition whose end is known."""
        lag = {}
        for partition, behind_last in self.offsets.items():
            highwater = self.consumer.highwater(partition)
            if highwater is not None:
                # the client's own position is behind the ends of transactions too, which are no messages
                lag[Partition(*partition)] = max(0, highwater - max(self.of_client(partition), behind_last))
        return lag

    def of_client(self, partition: Any) -> int:
        """Where the client is; its own method waits for whatever it has to ask of the leaders of all partitions."""
        position = self.consumer._subscription.assignment[partition].position  # noqa: SLF001  # see above
        return -1 if position is None else int(position.offset)
