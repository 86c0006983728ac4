"""The shared leaders in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from textsieve.worker.campaigns.leaders import (
    MAX_LEADERS,
    SURPLUS_SHARE,
    TTL_SECONDS,
    Changes,
    Leader,
    Leaders,
    Revision,
)
from textsieve.worker.errors import StoreUnavailable


@dataclass(slots=True)
class MemoryLeaderStore:
    """LeaderStore in memory, with the same rules as the real one."""

    away: bool = False  # True: every call raises StoreUnavailable
    max_leaders: int = MAX_LEADERS
    _leaders: dict[str, Leader] = field(default_factory=dict)  # in the order they came
    _numbers: dict[str, int] = field(default_factory=dict)
    _seen_ms: dict[str, int] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _index: Leaders = field(default_factory=Leaders)
    _revision: Revision = field(default_factory=Revision)

    def open(self, proposals: Sequence[Leader], *, at_least: float, now_ms: int) -> Sequence[Leader]:
        """See LeaderStore."""
        self._answer()
        opened = []
        for proposal in proposals:
            match = self._index.match(np.stack([proposal.signature]), at_least=at_least).ids[0]
            if match is None:
                match = proposal.id
                self._revision = Revision(self._revision.opened + 1, self._revision.expired)
                self._leaders[match] = proposal
                self._numbers[match] = self._revision.opened
                self._index.add(proposal)
            self._seen_ms[match] = max(now_ms, self._seen_ms.get(match, 0))
            opened.append(self._leaders[match])
        return opened

    def add_members(self, members: Mapping[str, int], *, now_ms: int) -> Mapping[str, int]:
        """See LeaderStore."""
        self._answer()
        for campaign, count in members.items():
            if campaign in self._leaders:
                self._seen_ms[campaign] = max(now_ms, self._seen_ms[campaign])
                self._sizes[campaign] = self._sizes.get(campaign, 0) + count
        return {campaign: self._sizes[campaign] for campaign in members if campaign in self._leaders}

    def changes(self, since: Revision, *, now_ms: int) -> Changes:
        """See LeaderStore."""
        self._answer()
        by_age = sorted(self._leaders, key=lambda campaign: (self._seen_ms[campaign], campaign))
        surplus = max(0, len(by_age) - self.max_leaders)
        too_many = set(by_age[: surplus and surplus + self.max_leaders // SURPLUS_SHARE])
        for campaign in by_age:
            if campaign in too_many or self._seen_ms[campaign] < now_ms - TTL_SECONDS * 1000:
                self._expire(campaign)
        now = self._revision
        went_back = now.opened < since.opened or now.expired < since.expired
        after = 0 if went_back else since.opened
        leaders = [leader for campaign, leader in self._leaders.items() if self._numbers[campaign] > after]
        ids = frozenset(self._leaders) if went_back or now.expired != since.expired else None
        return Changes(leaders, ids, now)

    def _expire(self, campaign: str) -> None:
        del self._leaders[campaign], self._seen_ms[campaign], self._numbers[campaign]
        self._sizes.pop(campaign, None)
        self._index.keep_only(self._leaders.keys())
        self._revision = Revision(self._revision.opened, self._revision.expired + 1)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store in memory was told to be away")
