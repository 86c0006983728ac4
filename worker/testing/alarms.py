"""The shared alarms and notes in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from textsieve.worker.campaigns.notes import SAMPLES, CampaignNotes, Notes
from textsieve.worker.errors import StoreUnavailable


@dataclass(slots=True)
class MemoryAlarmStore:
    """AlarmStore and NoteStore in memory, with the same rules as the real ones."""

    away: bool = False  # True: every call raises StoreUnavailable
    _owner: str = ""
    _until_ms: int = 0
    _state: bytes = b""
    _outbox: list[bytes] = field(default_factory=list)
    _senders: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    _samples: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def acquire(self, owner: str, *, now_ms: int, lease_ms: int) -> bytes | None:
        """See AlarmStore."""
        self._answer()
        if self._owner not in {"", owner} and now_ms < self._until_ms:
            return None
        self._owner, self._until_ms = owner, now_ms + lease_ms
        return self._state

    def save(self, owner: str, state: bytes, alarms: Sequence[bytes]) -> bool:
        """See AlarmStore."""
        self._answer()
        if owner != self._owner:
            return False
        self._state = state
        self._outbox += alarms
        return True

    def outbox(self) -> Sequence[bytes]:
        """See AlarmStore."""
        self._answer()
        return list(self._outbox)

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
