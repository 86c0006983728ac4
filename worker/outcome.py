"""Everything one batch came to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from textsieve.worker.batch import Batch
from textsieve.worker.columns import (
    CLUSTER_ID,
    DISTANCE,
    EMBEDDING,
    LABEL_ID,
    LABEL_SCORE,
    NORMALIZED,
    RESULT,
    TOKEN_COUNT,
    TRUNCATED,
)
from textsieve.worker.records import Distances, LabelIds, Observations, Outgoing


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers to a batch.

    Each of its first records is in `results` or in `dead_letters`, never in both, or is one of those that were skipped.

    Attributes:
        batch: after the last stage; row i of its columns belongs to results[i].
        dead_letters: in the order of `batch.rejected`.
    """

    batch: Batch
    dead_letters: Sequence[Outgoing]

    @property
    def records(self) -> int:
        """So many from the front were answered: all, unless time was short."""
        return len(self.batch.polled)

    @property
    def results(self) -> Sequence[Outgoing]:
        """The results, in the order of their records."""
        return self.batch[RESULT] if len(self.batch) else ()

    @property
    def reasons(self) -> Sequence[str]:
        """Of `dead_letters`."""
        return [letter.reason for letter in self.batch.rejected]

    @property
    def skipped(self) -> int:
        """Records without an answer."""
        return self.batch.skipped

    @property
    def observations(self) -> Observations:
        """What the clusters learn."""
        return observations(self.batch)

    @property
    def label_ids(self) -> LabelIds:
        """[results]; this and what follows are of results, of which there is at least one."""
        return self.batch[LABEL_ID]

    @property
    def scores(self) -> NDArray[np.float32]:
        """[results], of that label."""
        return self.batch[LABEL_SCORE]

    @property
    def distances(self) -> Distances:
        """[results]."""
        return self.batch[DISTANCE]

    @property
    def token_counts(self) -> NDArray[np.int64]:
        """[results]."""
        return self.batch[TOKEN_COUNT]

    @property
    def truncated(self) -> int:
        """Results whose text was not read to its end."""
        return int(self.batch[TRUNCATED].sum())

    @property
    def obfuscated(self) -> int:
        """Results whose text was disguised."""
        return sum(rules is not UNSET for rules in self.batch[NORMALIZED])


def observations(batch: Batch) -> Observations:
    """What the clusters learn from a batch, after its last stage."""
    if not len(batch):
        nothing = np.empty(0, np.int64)
        return Observations((), nothing, np.empty((0, 0), np.float32), nothing)
    return Observations(
        sources=[record.source for record in batch.records],
        offsets=np.asarray([record.offset for record in batch.records], np.int64),
        embeddings=batch[EMBEDDING],
        cluster_ids=batch[CLUSTER_ID],
    )
