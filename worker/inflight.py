"""A batch on its way from the poll to the moment in which it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textsieve.worker.outcome import Outcome
from textsieve.worker.published_offsets import PublishedOffsets
from textsieve.worker.records import Outgoing, Partition
from textsieve.worker.streams import Poll


@dataclass(frozen=True, slots=True)
class InFlightBatch:
    """What one poll brought, and what it came to.

    Attributes:
        results, dead_letters: the answers that the output does not hold yet.
        finished: next offset of each partition of the batch.
        processed_seconds: how long the model and what is around it took.
        is_cut: there was no time for all that was polled: what follows comes in the next batch.
    """

    polled: Poll
    outcome: Outcome
    results: Sequence[Outgoing]
    dead_letters: Sequence[Outgoing]
    finished: Mapping[Partition, int]
    processed_seconds: float
    is_cut: bool = False

    @classmethod
    def of(
        cls,
        polled: Poll,
        outcome: Outcome,
        published: PublishedOffsets,
        *,
        processed_seconds: float,
        is_cut: bool = False,
    ) -> "InFlightBatch":
        """The batch, without the answers that were published before."""
        return cls(
            polled=polled,
            outcome=outcome,
            results=published.new(outcome.results),
            dead_letters=published.new(outcome.dead_letters),
            finished=next_offsets(polled),
            processed_seconds=processed_seconds,
            is_cut=is_cut,
        )

    @property
    def is_bad(self) -> list[bool]:
        """For every message answered now, in the order of its record: is it a dead letter?"""
        if not self.dead_letters:
            return [False] * len(self.results)
        bad = {(letter.source, letter.offset) for letter in self.dead_letters}
        good = {(result.source, result.offset) for result in self.results}
        messages = ((record.source, record.offset) for record in self.polled.records)
        return [message in bad for message in messages if message in bad or message in good]

    def __len__(self) -> int:
        return len(self.polled)


def next_offsets(polled: Poll) -> dict[Partition, int]:
    """The offset behind the last message of every partition of a poll."""
    return {source: batch[-1].offset + 1 for source, batch in polled.batches.items()}
