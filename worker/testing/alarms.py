"""The shared alarms and notes in memory."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from textsieve.worker.campaigns.alarm_store import MAX_OUTBOX, OUTBOX_READ, Lease
from textsieve.worker.campaigns.notes import SAMPLES, CampaignNotes, Notes
from textsieve.worker.campaigns.watermark import LATENESS_MS
from textsieve.worker.errors import StoreUnavailable


@dataclass(slots=True)
class MemoryAlarmStore:
    """AlarmStore and NoteStore in memory, with the same rules as the real ones."""

    away: bool = False  # True: every call raises StoreUnavailable
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000)  # Unix time
    states_given: int = 0  # how often the state went to a worker
    _latest_ms: int = 0
    _owner: str = ""
    _until_ms: int = 0
    _state: bytes = b""
    _outbox: list[bytes] = field(default_factory=list)
    _senders: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    _samples: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def acquire(self, owner: str, *, latest_ms: int, lease_ms: int, known: bool = False) -> Lease | None:
        """See AlarmStore."""
        self._answer()
        now_ms = self.now_ms()
        if self._latest_ms < latest_ms <= now_ms + LATENESS_MS:
            self._latest_ms = latest_ms
        if self._owner not in {"", owner} and now_ms < self._until_ms:
            return None
        known = known and self._owner == owner
        self._owner, self._until_ms = owner, now_ms + lease_ms
        self.states_given += not known
        return Lease(None if known else self._state, self._latest_ms, now_ms)

    def save(self, owner: str, state: bytes, alarms: Sequence[bytes]) -> bool:
        """See AlarmStore."""
        self._answer()
        if owner != self._owner:
            return False
        self._state = state
        self._outbox = [*self._outbox, *alarms][-MAX_OUTBOX:]
        return True

    def outbox(self) -> Sequence[bytes]:
        """See AlarmStore."""
        self._answer()
        return self._outbox[:OUTBOX_READ]

    def published(self, owner: str, alarms: int) -> None:
        """See AlarmStore."""
        self._answer()
        if owner == self._owner:
            del self._outbox[:alarms]

    def note(self, notes: Mapping[str, Notes]) -> None:
        """See NoteStore."""
        self._answer()
        for campaign, new in notes.items():
            self._senders[campaign] |= new.senders
            for sample in new.samples:
                if len(self._samples[campaign]) < SAMPLES and sample not in self._samples[campaign]:
                    self._samples[campaign].append(sample)

    def noted(self, campaign: str) -> CampaignNotes:
        """See NoteStore."""
        self._answer()
        return CampaignNotes(len(self._senders[campaign]), tuple(self._samples[campaign]))

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store in memory was told to be away")
