"""Campaign: which other messages a message is nearly the same as."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import msgspec
import numpy as np

from textsieve.worker.batch import Batch, Column
from textsieve.worker.campaigns.counts import message_counts, with_credible_times
from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.campaigns.sightings import Sightings
from textsieve.worker.columns import LABEL, MODEL_TEXT, TEXT
from textsieve.worker.counting.increments import Counts


class Campaign(msgspec.Struct, gc=False):
    """What a message belongs to, as it stands on the wire."""

    id: str
    size: int
    new: bool
    similarity: float


CAMPAIGN: Final = Column[list[Campaign | None]]("campaign")
_COUNTS: Final = Column[Sequence[Counts]]("campaign_counts")


@dataclass(frozen=True, slots=True)
class FindCampaign:
    """Finds the campaign of each text; it alone asks the store for new ones, and goes on without where that is away.

    Attributes:
        detector: of this worker; it remembers.
        sightings: told what alarms are made of.
        now_ms: Unix time, which timestamps must not be ahead of.
    """

    detector: CampaignDetector
    sightings: Sightings = field(default_factory=Sightings)
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000)
    needs: ClassVar[tuple[Column[Any], ...]] = (TEXT, MODEL_TEXT, LABEL)
    gives: ClassVar[tuple[Column[Any], ...]] = (CAMPAIGN, _COUNTS)
    fields: ClassVar[Mapping[str, Column[Any]]] = {"campaign": CAMPAIGN}
    counts: ClassVar[Column[Sequence[Counts]]] = _COUNTS

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        records = with_credible_times(batch.records, now_ms=self.now_ms())
        # Python's own hash, another in each process: what it names is remembered in this one alone
        sources = np.array([hash((r.topic, r.partition, r.offset)) for r in records], np.int64).astype(np.uint64)
        times = np.array([record.timestamp_ms for record in records], np.int64)
        found = self.detector.assign(batch[MODEL_TEXT], sources, times)
        self.sightings.add(records, batch[TEXT], found.ids)
        alike = np.round(found.similarities.astype(np.float64), 3).tolist()
        rows = zip(found.ids, found.sizes.tolist(), found.new.tolist(), alike, strict=True)
        return batch.with_columns(
            CAMPAIGN.of(
                [
                    None if campaign is None else Campaign(campaign, size, new, similarity)
                    for campaign, size, new, similarity in rows
                ]
            ),
            _COUNTS.of(
                [
                    message_counts(record.source, record.timestamp_ms, campaign, label)
                    for record, campaign, label in zip(records, found.ids, batch[LABEL], strict=True)
                ]
            ),
        )
