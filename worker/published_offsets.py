"""What the output log already answers: it is not published again, and it counts as it was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from textsieve.worker.batch import Batch
from textsieve.worker.records import Outgoing, Partition, Record
from textsieve.worker.streams import Published


@dataclass(frozen=True, slots=True)
class PublishedOffsets:
    """The ledger of published results, as it was read when the partitions were assigned; it shrinks as they pass."""

    published: Mapping[Partition, Published] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether everything that comes is new."""
        return not any(found.results or found.dead_letters for found in self.published.values())

    def new(self, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Those that are not in the log."""
        return messages if self.is_empty else [message for message in messages if not self._holds(message)]

    def forget(self, records: Sequence[Record]) -> None:
        """A message that is finished comes again only after the ledger was read anew: let the ledger shrink."""
        if self.is_empty:
            return
        for record in records:
            if (found := self.published.get(record.source)) is not None:
                found.results.discard(record.offset)
                found.dead_letters.discard(record.offset)

    def countable(self, batch: Batch) -> Batch:
        """A batch without the rows that an earlier life of this stream had put among the dead letters."""
        if not any(found.dead_letters for found in self.published.values()):
            return batch
        rows = [row for row, record in enumerate(batch.records) if not self._was_rejected(record)]
        return batch if len(rows) == len(batch) else batch.take(rows)

    def _was_rejected(self, record: Record) -> bool:
        found = self.published.get(record.source)
        return found is not None and record.offset in found.dead_letters

    def _holds(self, message: Outgoing) -> bool:
        found = self.published.get(message.source)
        return found is not None and (message.offset in found.results or message.offset in found.dead_letters)
