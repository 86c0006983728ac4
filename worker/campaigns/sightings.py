"""What the thread that answers messages has seen of campaigns, for the one that tells alarms."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from textsieve.worker.campaigns.notes import SAMPLES, Notes
from textsieve.worker.records import Partition, Record

MAX_CAMPAIGNS: Final = 1000  # noted between two looks; of more nothing is kept
MAX_SENDERS: Final = 1000  # of each of them
MAX_CHARACTERS: Final = 4000  # kept of a text: far more than a sample shows, far less than a message may have
SAMPLED_SECONDS: Final = 600.0  # after its samples are taken a campaign has new ones: the store may have forgotten them
MAX_SAMPLED: Final = 10_000  # campaigns whose samples were taken


@dataclass(slots=True)
class _Seen:
    senders: set[bytes] = field(default_factory=set)
    samples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Sampled:
    samples: int  # taken so far
    since: float  # of the first of them, monotonic seconds


class Sightings:
    """Shared by the two threads; bounded, so that nobody has to wait for the other.

    Args:
        monotonic: seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._sampled: dict[str, _Sampled] = {}  # in the order of `since`
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
                    earliest = record.timestamp_ms if self._earliest_ms is None else self._earliest_ms
                    self._earliest_ms = min(earliest, record.timestamp_ms)
                if campaign is not None and (campaign in self._seen or len(self._seen) < MAX_CAMPAIGNS):
                    self._note(campaign, record, text)

    def latest_ms(self) -> Mapping[Partition, int]:
        """Largest event time of each partition."""
        with self._lock:
            return dict(self._latest_ms)

    def taken(self) -> Mapping[str, Notes]:
        """What was noted since the last time; texts are as they came."""
        now = self._monotonic()
        with self._lock:
            seen, self._seen = self._seen, {}
            self._forget(now)
            for campaign, one in seen.items():
                if one.samples:
                    self._sampled.setdefault(campaign, _Sampled(0, now)).samples += len(one.samples)
        return {campaign: Notes(frozenset(one.senders), tuple(one.samples)) for campaign, one in seen.items()}

    def put_back(self, notes: Mapping[str, Notes]) -> None:
        """Note again what was taken and could not be shared, as far as there is room."""
        with self._lock:
            for campaign, note in notes.items():
                if campaign in self._seen or len(self._seen) < MAX_CAMPAIGNS:
                    one = self._seen.setdefault(campaign, _Seen())
                    one.senders.update(list(note.senders)[: MAX_SENDERS - len(one.senders)])
                    one.samples = [*note.samples, *one.samples][:SAMPLES]

    def _note(self, campaign: str, record: Record, text: str) -> None:
        seen = self._seen.setdefault(campaign, _Seen())
        if record.key is not None and len(seen.senders) < MAX_SENDERS:
            seen.senders.add(record.key)
        taken = self._sampled.get(campaign)
        if len(seen.samples) < SAMPLES - (taken.samples if taken else 0):
            sample = text[:MAX_CHARACTERS]
            if sample not in seen.samples:
                seen.samples.append(sample)

    def _forget(self, now: float) -> None:
        """Let campaigns have new samples whose last ones were taken long ago, or of which there are too many."""
        old = [name for name, one in self._sampled.items() if now - one.since >= SAMPLED_SECONDS]
        for campaign in [*old, *list(self._sampled)[len(old) : -MAX_SAMPLED]]:
            del self._sampled[campaign]
