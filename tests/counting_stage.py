"""A stage that counts the words of every text, and what a topic must come to."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import TEXT
from textsieve.worker.counting.counters import Counter, Table
from textsieve.worker.counting.increments import Counts

WORDS = Table("words")
_COUNTS = Column[Sequence[Counts]]("word_counts")


@dataclass(frozen=True, slots=True)
class CountWords:
    """Adds every word of a text to its counter."""

    needs: ClassVar[tuple[Column[Any], ...]] = (TEXT,)
    gives: ClassVar[tuple[Column[Any], ...]] = (_COUNTS,)
    fields: ClassVar[Mapping[str, Column[Any]]] = {}
    counts: ClassVar[Column[Sequence[Counts]]] = _COUNTS

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        tallies = [Tally(text.split()) for text in batch[TEXT]]
        return batch.with_columns(
            _COUNTS.of([[(Counter(WORDS, word), count) for word, count in tally.items()] for tally in tallies])
        )


def words_of(texts: Iterable[str]) -> dict[str, int]:
    """What the counters must hold when each of these texts was counted once."""
    return dict(Tally(word for text in texts for word in text.split()))
