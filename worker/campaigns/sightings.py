"""What the thread that answers messages has seen of campaigns, for the one that tells alarms."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from textsieve.worker.campaigns.notes import SAMPLES, Notes
from textsieve.worker.records import Partition, Record

MAX_CAMPAIGNS: Final = 1000  # noted between two looks; of more nothing is kept
MAX_SENDERS: Final = 1000  # of each of them


@dataclass(slots=True)
class _Seen:
    senders: set[bytes] = field(default_factory=set)
    samples: list[str] = field(default_factory=list)


class Sightings:
    """Shared by the two threads; bounded, so that nobody has to wait for the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest_ms: dict[Partition, int] = {}
        self._seen: dict[str, _Seen] = {}
        self._earliest_ms: int | None = None

    @property
    def earliest_ms(self) -> int | None:
        """Least event time; None: none was seen."""
        return self._earliest_ms

    def add(self, records: Sequence[Record], texts: Sequence[str], campaigns: Sequence[str | None]) -> None:
        """Note the messages of a batch."""
        with self._lock:
            for record, text, campaign in zip(records, texts, campaigns, strict=True):
                latest = self._latest_ms.get(record.source, record.timestamp_ms)
                if max(latest, record.timestamp_ms) >= 0:
                    self._latest_ms[record.source] = max(latest, record.timestamp_ms)
                if record.timestamp_ms >= 0:
                    self._earliest_ms = min(self._earliest_ms or record.timestamp_ms, record.timestamp_ms)
                if campaign is not None and (campaign in self._seen or len(self._seen) < MAX_CAMPAIGNS):
                    self._note(self._seen.setdefault(campaign, _Seen()), record, text)

    def latest_ms(self) -> Mapping[Partition, int]:
        """Largest event time of each partition."""
        with self._lock:
            return dict(self._latest_ms)

    def taken(self) -> Mapping[str, Notes]:
        """What was noted since the last time; texts are as they came."""
        with self._lock:
            seen, self._seen = self._seen, {}
        return {campaign: Notes(frozenset(one.senders), tuple(one.samples)) for campaign, one in seen.items()}

    @staticmethod
    def _note(seen: _Seen, record: Record, text: str) -> None:
        if record.key is not None and len(seen.senders) < MAX_SENDERS:
            seen.senders.add(record.key)
        if len(seen.samples) < SAMPLES and text not in seen.samples:
            seen.samples.append(text)
