"""Which campaign each message belongs to: of a leader that all workers know, or of a new one that it makes."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.campaigns.answers import Answer, Answers, Memberships
from textsieve.worker.campaigns.canonical import canonical
from textsieve.worker.campaigns.leaders import Leader, Leaders, LeaderStore, Revision
from textsieve.worker.campaigns.minhash import Signatures, signatures
from textsieve.worker.campaigns.pause import Pause
from textsieve.worker.campaigns.recent import CAPACITY, NOBODY, RecentMessages
from textsieve.worker.errors import StoreUnavailable

OPEN_AT_LEAST: Final = 0.4  # Jaccard similarity of two messages that make a campaign: 1 of 100,000 pairs reaches it
JOIN_AT_LEAST: Final = 0.33  # to a leader, of whom there are few: copies with a quarter of other words reach it
SYNCHRONIZE_SECONDS: Final = 1.0  # between two looks at what other workers have found
MAX_PROPOSALS: Final = 128  # of a batch: what others begin waits for their next copy, and labels do not wait
NEW_MS: Final = 3_600_000  # event time for which a campaign is called new: the half-life of what bursts are told by


@dataclass(slots=True)
class _Found:
    """What a batch has come to so far."""

    ids: list[str | None]
    similarities: NDArray[np.float32]
    proposed: dict[str, Leader] = field(default_factory=dict)  # those that the store has not seen
    led: dict[int, str] = field(default_factory=dict)  # numbers of the messages that are proposed


class CampaignDetector:
    """Finds near-duplicates among the messages of all workers.

    A message joins the campaign of the leader it resembles most, else that of a remembered message. The second of two
    messages that resemble each other and belong nowhere makes the first a leader; the store says whether another worker
    was there before. While the store is away known campaigns go on, and no new one begins: labels must not wait for it,
    so it is asked at most once for a batch, and less and less often.

    Args:
        store: of the leaders.
        now_ms: Unix time.
        monotonic: seconds.
        capacity: messages remembered.
    """

    def __init__(
        self,
        store: LeaderStore,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
        capacity: int = CAPACITY,
    ) -> None:
        self._store = store
        self._now_ms, self._monotonic = now_ms, monotonic
        self._leaders = Leaders()
        self._recent = RecentMessages(capacity)
        self._campaigns: list[str | None] = [None] * capacity  # of remembered messages, by number
        self._times_ms = np.zeros(capacity, np.int64)  # theirs too
        self._answers = Answers()
        self._revision = Revision()
        self._sizes: dict[str, int] = {}  # as the store last told them
        self._unsent: Counter[str] = Counter()  # members that the store has not heard of
        self._pause = Pause(monotonic)
        self._synchronized_at: float | None = None

    @property
    def known(self) -> int:
        """Campaigns that this worker knows."""
        return len(self._leaders)

    def assign(
        self, texts: Sequence[str], sources: NDArray[np.uint64], timestamps_ms: NDArray[np.int64]
    ) -> Memberships:
        """The campaigns of a batch; messages that are read again soon are answered as they were, and add no member.

        Once a second it synchronizes with the store first.

        Args:
            texts: [rows], with disguises undone.
            sources: [rows], one number for each message, the same whenever it is read again.
            timestamps_ms: [rows], event time.
        """
        self._keep_up()
        made = signatures([canonical(text) for text in texts])
        matches = self._leaders.match(made, at_least=JOIN_AT_LEAST)
        found = _Found(list(matches.ids), matches.similarities)
        first = self._ask_neighbours(found, made, sources, timestamps_ms)
        if found.proposed:
            self._open(found, made)
        for row, campaign in enumerate(found.ids):
            self._campaigns[(first + row) % len(self._campaigns)] = campaign
        return self._memberships(found, self._repeat(found, sources), timestamps_ms)

    def synchronize(self) -> None:
        """Tell the store of members, and learn of the leaders and sizes of other workers.

        Raises:
            StoreUnavailable: it does not answer; what it was not told stays here.
        """
        now = self._now_ms()
        changes = self._store.changes(self._revision, now_ms=now)
        for leader in changes.leaders:
            self._leaders.add(leader)
        if changes.ids is not None:
            self._leaders.keep_only(changes.ids)
        self._revision = changes.revision
        if self._unsent:
            self._sizes |= self._store.add_members(self._unsent, now_ms=now)
            self._unsent.clear()
        self._sizes = {campaign: size for campaign, size in self._sizes.items() if campaign in self._leaders}

    def _keep_up(self) -> None:
        last = self._synchronized_at
        if not self._pause.is_over or (last is not None and self._monotonic() - last < SYNCHRONIZE_SECONDS):
            return
        try:
            self.synchronize()
        except StoreUnavailable:
            self._pause.failed()
        else:
            self._pause.answered()
            self._synchronized_at = self._monotonic()

    def _ask_neighbours(
        self, found: _Found, made: Signatures, sources: NDArray[np.uint64], timestamps_ms: NDArray[np.int64]
    ) -> int:
        """Let messages without a leader follow the one that they resemble, or propose that one to lead both.

        Returns:
            The number of the first message.
        """
        neighbours = self._recent.remember(made, sources, at_least=OPEN_AT_LEAST)
        capacity = len(self._campaigns)
        self._times_ms[neighbours.numbers % capacity] = timestamps_ms
        first = int(neighbours.numbers[0]) if len(made) else 0
        for row, nearest in enumerate(neighbours.nearest.tolist()):
            if found.ids[row] is None and nearest != NOBODY:
                campaign = self._campaigns[nearest % capacity]
                if campaign is None or not (campaign in self._leaders or campaign in found.proposed):
                    leader = Leader.of(self._recent.signature(nearest), int(self._times_ms[nearest % capacity]))
                    campaign = leader.id
                    found.proposed.setdefault(campaign, leader)
                    found.led[nearest] = campaign
                    self._campaigns[nearest % capacity] = campaign
                    if nearest >= first:  # not published yet
                        self._join(found, nearest - first, campaign, neighbours.similarities[row])
                self._join(found, row, campaign, neighbours.similarities[row])
            self._campaigns[(first + row) % capacity] = found.ids[row]
        return first

    @staticmethod
    def _join(found: _Found, row: int, campaign: str, similarity: np.float32) -> None:
        found.ids[row] = campaign
        found.similarities[row] = similarity

    def _open(self, found: _Found, made: Signatures) -> None:
        """Have the store open the proposed campaigns, and look once more for messages that now have a leader."""
        proposals = list(islice(found.proposed.values(), MAX_PROPOSALS))
        leaders = self._led(proposals)
        opened = Leaders()
        for leader in leaders:
            self._leaders.add(leader)
            opened.add(leader)
        names = {proposal.id: leader.id for proposal, leader in zip(proposals, leaders, strict=False)}
        for number, proposal in found.led.items():
            self._campaigns[number % len(self._campaigns)] = names.get(proposal)
        alone = []
        for row, campaign in enumerate(found.ids):
            if campaign in found.proposed:
                found.ids[row] = names.get(campaign)
            if found.ids[row] is None:
                found.similarities[row] = 0
                alone.append(row)
        matches = opened.match(made[alone], at_least=JOIN_AT_LEAST)
        for row, campaign, similarity in zip(alone, matches.ids, matches.similarities, strict=True):
            if campaign is not None:
                self._join(found, row, campaign, similarity)

    def _led(self, proposals: Sequence[Leader]) -> Sequence[Leader]:
        """The leaders of proposals as the store has them; none while it is away."""
        if not self._pause.is_over:
            return ()
        try:
            leaders = self._store.open(proposals, at_least=JOIN_AT_LEAST, now_ms=self._now_ms())
        except StoreUnavailable:
            self._pause.failed()
            return ()
        self._pause.answered()
        return leaders

    def _repeat(self, found: _Found, sources: NDArray[np.uint64]) -> AbstractSet[int]:
        """Answer messages that are read again as before, where the campaign is still there; returns their rows."""
        again = set()
        for row, source in enumerate(sources.tolist()):
            answer = self._answers.get(source)
            if answer is not None and (answer.campaign is None or answer.campaign in self._leaders):
                found.ids[row], found.similarities[row] = answer
                again.add(row)
            else:
                self._answers.keep(source, Answer(found.ids[row], float(found.similarities[row])))
        return again

    def _memberships(self, found: _Found, again: AbstractSet[int], timestamps_ms: NDArray[np.int64]) -> Memberships:
        sizes = np.zeros(len(found.ids), np.int64)
        new = np.zeros(len(found.ids), np.bool_)
        for row, campaign in enumerate(found.ids):
            if campaign is not None:
                self._unsent[campaign] += row not in again
                sizes[row] = max(1, self._sizes.get(campaign, 0) + self._unsent[campaign])
                new[row] = timestamps_ms[row] - self._leaders.first_seen_ms(campaign) < NEW_MS
        return Memberships(found.ids, sizes, new, found.similarities)
