"""Messages that were read and that a batch had no time for: they come before anything newer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from textsieve.worker.records import Partition, Record
from textsieve.worker.streams import Poll

MAX_BATCH_BYTES = 1024 * 1024  # of values: what is decoded and tokenised before anybody knows how long it will take


@dataclass(slots=True)
class Backlog:
    """Cuts polls into batches and keeps the rest.

    While something is kept, the source is asked for nothing (`room`), so that it knows that this worker lives and can
    say that its partitions are gone; then what is kept is worth nothing.
    """

    _kept: Mapping[Partition, Sequence[Record]] = field(default_factory=dict)

    def room(self, wanted: int) -> int:
        """How many messages to ask the source for, when a batch may have `wanted`."""
        return 0 if self._kept else wanted

    def cut(self, polled: Poll, wanted: int) -> Poll:
        """The next batch: of what was kept and what was polled, in their order, no more than `wanted` messages."""
        if polled.reassigned:
            return polled  # what was kept is cleared when the stream begins again
        whole = _joined(self._kept, polled.batches)
        batch = self._split(replace(polled, batches=whole), min(wanted, _fitting(whole)))
        lag = {partition: unread + len(self._kept.get(partition, ())) for partition, unread in polled.lag.items()}
        return replace(batch, lag=lag)

    def keep_rest(self, batch: Poll, answered: int) -> Poll:
        """Put back all but the first `answered` messages of a batch; returns these."""
        kept = self._kept
        first = self._split(batch, answered)
        self._kept = _joined(self._kept, kept)
        return first

    def clear(self) -> int:
        """The stream begins again, and everything is read anew; returns how many messages were kept."""
        kept, self._kept = self._kept, {}
        return sum(map(len, kept.values()))

    def _split(self, whole: Poll, count: int) -> Poll:
        if count >= len(whole):
            self._kept = {}
            return whole
        first: dict[Partition, Sequence[Record]] = {}
        rest: dict[Partition, Sequence[Record]] = {}
        for partition, records in whole.batches.items():
            if count:
                first[partition] = records[:count]
            if count < len(records):
                rest[partition] = records[count:]
            count = max(0, count - len(records))
        self._kept = rest
        return replace(whole, batches=first)


def _joined(
    before: Mapping[Partition, Sequence[Record]], after: Mapping[Partition, Sequence[Record]]
) -> Mapping[Partition, Sequence[Record]]:
    if not (before and after):
        return before or after
    return {
        partition: [*before.get(partition, ()), *after.get(partition, ())]
        for partition in [*before, *(other for other in after if other not in before)]
    }


def _fitting(batches: Mapping[Partition, Sequence[Record]]) -> int:
    """Messages whose values are no more than MAX_BATCH_BYTES together, at least one."""
    held = count = 0
    for records in batches.values():
        for record in records:
            held += len(record.value or b"")
            if held > MAX_BATCH_BYTES:
                return max(1, count)
            count += 1
    return count
