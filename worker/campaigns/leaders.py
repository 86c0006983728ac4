"""The leaders of all campaigns: the message that each began with, held by every worker and by the store."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.campaigns.minhash import Signatures, band_keys, similarities

TTL_SECONDS: Final = 24 * 3600  # after its last member a campaign is forgotten
MAX_OF_BAND: Final = 64  # leaders that share a band with a message and are compared to it: the newest ones
MAX_LEADERS: Final = 10_000  # beyond them those go whose last member is the longest ago; 3 kB each in a worker
SURPLUS_SHARE: Final = 100  # one of so many goes besides then: whenever one has gone each worker fetches all ids


@dataclass(frozen=True, slots=True)
class Leader:
    """What a campaign began with.

    Attributes:
        id: of the campaign: 12 hexadecimal digits that follow from the signature.
        signature: [PERMUTATIONS] uint32
        first_seen_ms: event time of that message.
    """

    id: str
    signature: NDArray[np.uint32]
    first_seen_ms: int

    @classmethod
    def of(cls, signature: NDArray[np.uint32], first_seen_ms: int) -> "Leader":
        """A leader with the id that its signature gives it."""
        written = np.ascontiguousarray(signature, "<u4").tobytes()
        return cls(blake2b(written, digest_size=6, person=b"campaign").hexdigest(), signature, first_seen_ms)


@dataclass(frozen=True, slots=True)
class Revision:
    """How far a replica has followed the store: how many leaders ever came, and how many ever went."""

    opened: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What a replica lacks.

    Attributes:
        leaders: new ones, and maybe some that it has.
        ids: all that there are, where any have gone since; None: none have.
        revision: to ask from next time.
    """

    leaders: Sequence[Leader]
    ids: AbstractSet[str] | None
    revision: Revision


class LeaderStore(Protocol):
    """The leaders that all workers share. Every method raises StoreUnavailable when the store does not answer.

    Times are those of the worker's clock: what they decide is when a campaign of yesterday is forgotten.
    """

    def open(self, proposals: Sequence[Leader], *, at_least: float, now_ms: int) -> Sequence[Leader]:
        """The leader that each proposal resembles, itself where there was none: in one step, whoever else proposes.

        Args:
            proposals: in their order; a later one may join an earlier one. They may reach the store in several steps.
            at_least: similarity of signatures from which a proposal joins.
            now_ms: Unix time.
        """
        ...

    def add_members(self, members: Mapping[str, int], *, now_ms: int) -> Mapping[str, int]:
        """Say that campaigns have new members: they live on. Returns the sizes of those that the store still has.

        The sizes are for people and rules of thumb: what is sent twice adds twice.
        """
        ...

    def changes(self, since: Revision, *, now_ms: int) -> Changes:
        """What came and went after `since`; forgets what has expired."""
        ...


@dataclass(frozen=True, slots=True)
class Matches:
    """The leader of each message, and how alike they are.

    Attributes:
        ids: [rows], None: of no campaign.
        similarities: [rows] float32, 0 without a leader.
    """

    ids: Sequence[str | None]
    similarities: NDArray[np.float32]


@dataclass(slots=True)
class Leaders:
    """A worker's replica of all leaders, found by their bands."""

    _leaders: dict[str, Leader] = field(default_factory=dict)
    _by_key: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __len__(self) -> int:
        return len(self._leaders)

    def __contains__(self, campaign: object) -> bool:
        return campaign in self._leaders

    def first_seen_ms(self, campaign: str) -> int:
        """Event time of the message that a campaign began with."""
        return self._leaders[campaign].first_seen_ms

    def add(self, leader: Leader) -> None:
        """Take in one, which may be there already."""
        if leader.id in self._leaders:
            return
        self._leaders[leader.id] = leader
        for key in _keys(leader):
            self._by_key[key].append(leader.id)

    def keep_only(self, ids: AbstractSet[str]) -> None:
        """Drop all others."""
        for campaign in self._leaders.keys() - ids:
            for key in _keys(self._leaders.pop(campaign)):
                self._by_key[key].remove(campaign)
                if not self._by_key[key]:
                    del self._by_key[key]

    def match(self, signatures: Signatures, *, at_least: float) -> Matches:
        """The most similar leader of each message, among the newest that share a band with it."""
        ids: list[str | None] = [None] * len(signatures)
        alike = np.zeros(len(signatures), np.float32)
        for row, keys in enumerate(band_keys(signatures).tolist()):
            found = {campaign for key in keys if key in self._by_key for campaign in self._by_key[key][-MAX_OF_BAND:]}
            if found:
                candidates = sorted(found)
                near = similarities(np.stack([self._leaders[one].signature for one in candidates]), signatures[row])
                best = int(near.argmax())
                if near[best] >= at_least:
                    ids[row], alike[row] = candidates[best], near[best]
        return Matches(ids, alike)


def _keys(leader: Leader) -> list[int]:
    keys: list[int] = band_keys(leader.signature[None])[0].tolist()
    return keys
