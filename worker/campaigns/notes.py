"""What people want to know of a campaign: who sends it, and how it reads."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Protocol

TTL_SECONDS: Final = 3600  # of notes, since the last one: alarms are told of campaigns that come now
SAMPLES: Final = 3  # texts kept of a campaign, the first ones


@dataclass(frozen=True, slots=True)
class Notes:
    """Of some messages of a campaign, or of all.

    Attributes:
        senders: distinct keys of messages.
        samples: redacted texts.
    """

    senders: AbstractSet[bytes] = frozenset()
    samples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CampaignNotes:
    """What all workers have noted of a campaign.

    Attributes:
        senders: about how many distinct ones, to 1 %.
        samples: SAMPLES at most.
    """

    senders: int = 0
    samples: Sequence[str] = field(default=())


class NoteStore(Protocol):
    """Notes on campaigns, shared; they expire an hour after the last. Raises StoreUnavailable where it does not answer.

    What is noted twice is noted once: senders are a set, and of samples the first ones stay.
    """

    def note(self, notes: Mapping[str, Notes]) -> None:
        """Add to the notes of campaigns."""
        ...

    def noted(self, campaign: str) -> CampaignNotes:
        """All notes of a campaign."""
        ...
