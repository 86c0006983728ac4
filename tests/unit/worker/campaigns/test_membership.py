from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest

from textsieve.worker.campaigns.answers import MAX_ANSWERS, Memberships
from textsieve.worker.campaigns.leaders import TTL_SECONDS, Changes, Leader, Revision
from textsieve.worker.campaigns.membership import (
    MAX_PROPOSALS,
    NEW_MS,
    SYNCHRONIZE_SECONDS,
    CampaignDetector,
)
from textsieve.worker.campaigns.pause import FIRST_SECONDS, MAX_SECONDS
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.testing import MemoryLeaderStore

FEE = "your parcel is held at customs, pay the fee of {} today"
LUNCH = "shall we have lunch on tuesday with sam and the others"
OTHER = "the meeting moved to the big room on the second floor"


@dataclass
class World:
    """A store, and workers that share it."""

    store: MemoryLeaderStore = field(default_factory=MemoryLeaderStore)
    now_ms: int = 1_000_000
    _offsets: "count[int]" = field(default_factory=count)

    def worker(self, capacity: int = 100) -> CampaignDetector:
        return CampaignDetector(
            self.store, now_ms=lambda: self.now_ms, monotonic=lambda: self.now_ms / 1000, capacity=capacity
        )

    def assign(self, worker: CampaignDetector, texts: Sequence[str], at_ms: int = 0) -> Memberships:
        sources = np.array([next(self._offsets) for _ in texts], np.uint64)
        return worker.assign(texts, sources, np.full(len(texts), at_ms, np.int64))


@pytest.fixture
def world() -> World:
    return World()


def test_messages_that_resemble_nothing_have_no_campaign(world: World) -> None:
    found = world.assign(world.worker(), [LUNCH, OTHER, ""])

    assert [None, None, None] == list(found.ids)
    assert [0, 0, 0] == found.sizes.tolist()
    assert [0, 0, 0] == found.similarities.tolist()
    assert [False, False, False] == found.new.tolist()


def test_the_second_of_two_copies_makes_a_campaign_of_both_within_a_batch(world: World) -> None:
    found = world.assign(world.worker(), [FEE.format(20), LUNCH, FEE.format(31)])

    assert found.ids[0] == found.ids[2] is not None
    assert found.ids[1] is None
    assert [1, 0, 2] == found.sizes.tolist()
    assert [1, 0, 1] == found.similarities.tolist()


def test_the_second_of_two_copies_makes_a_campaign_across_batches(world: World) -> None:
    worker = world.worker()

    first = world.assign(worker, [FEE.format(20)])
    second = world.assign(worker, [FEE.format(31)])
    third = world.assign(worker, [FEE.format(47)])

    assert [None] == list(first.ids)
    assert second.ids[0] == third.ids[0] is not None
    assert [2] == third.sizes.tolist()  # the first one's result had gone out without


def test_a_message_that_is_read_again_makes_no_campaign(world: World) -> None:
    worker = world.worker()
    for _ in range(3):
        found = worker.assign([LUNCH], np.array([7], np.uint64), np.array([0]))

        assert [None] == list(found.ids)


def test_two_workers_give_one_campaign_one_id(world: World) -> None:
    left, right = world.worker(), world.worker()

    one = world.assign(left, [FEE.format(20), FEE.format(31)])
    two = world.assign(right, [FEE.format(40).replace("today", "right now"), FEE.format(41)])

    assert {one.ids[0]} == {*one.ids, *two.ids}
    assert 1 == left.known == right.known


def test_a_worker_follows_a_campaign_that_another_one_found(world: World) -> None:
    left, right = world.worker(), world.worker()
    found = world.assign(left, [FEE.format(20), FEE.format(31)])
    left.synchronize()
    right.synchronize()

    first = world.assign(right, [FEE.format(44)])

    assert [found.ids[0]] == list(first.ids)
    right.synchronize()
    assert [4] == world.assign(right, [FEE.format(45)]).sizes.tolist()


def test_a_message_like_a_member_joins_though_it_is_not_like_the_leader(world: World) -> None:
    worker = world.worker()
    ids = set()
    words = [f"{a}{b}ra" for a in "klmnpqrst" for b in "aeiou"]
    world.assign(worker, [" ".join(words[:14])])
    for shift in range(0, 12, 2):
        ids.update(world.assign(worker, [" ".join(words[shift : shift + 14])]).ids)

    assert 1 == len(ids)


def test_no_campaign_begins_while_the_store_is_away_and_known_ones_go_on(world: World) -> None:
    worker = world.worker()
    known = world.assign(worker, [FEE.format(20), FEE.format(31)])
    world.store.away = True

    found = world.assign(worker, [LUNCH, LUNCH, FEE.format(40)])

    assert [None, None, known.ids[0]] == list(found.ids)
    with pytest.raises(StoreUnavailable):
        worker.synchronize()
    world.store.away = False
    assert [None] == list(world.assign(worker, [LUNCH]).ids)  # it is left alone for a while
    world.now_ms += round(FIRST_SECONDS * 1000)
    assert world.assign(worker, [LUNCH]).ids[0] is not None


def test_a_worker_looks_once_a_second_at_what_others_have_found(world: World) -> None:
    left, right = world.worker(), world.worker()
    world.assign(right, [LUNCH])
    found = world.assign(left, [FEE.format(20), FEE.format(31)])

    assert [None] == list(world.assign(right, [FEE.format(44)]).ids)
    world.now_ms += round(SYNCHRONIZE_SECONDS * 1000)
    assert [found.ids[0]] == list(world.assign(right, [FEE.format(45)]).ids)


def test_a_store_that_hangs_is_asked_once_for_a_batch_and_then_ever_less_often(world: World) -> None:
    calls = []

    class Hanging(MemoryLeaderStore):
        def changes(self, since: Revision, *, now_ms: int) -> Changes:
            calls.append(now_ms)
            world.now_ms += 6000  # longer than the first pause
            return super().changes(since, now_ms=now_ms)

        def open(self, proposals: Sequence[Leader], *, at_least: float, now_ms: int) -> Sequence[Leader]:
            calls.append(now_ms)
            world.now_ms += 6000
            return super().open(proposals, at_least=at_least, now_ms=now_ms)

    world.store = Hanging(away=True)
    worker = world.worker()
    pauses = [FIRST_SECONDS, FIRST_SECONDS * 2, FIRST_SECONDS * 4, FIRST_SECONDS * 8, MAX_SECONDS, MAX_SECONDS]

    asked = []
    for pause in pauses:
        for _ in range(3):
            world.assign(worker, [LUNCH, LUNCH])
        asked.append(len(calls))
        world.now_ms += round(pause * 1000) - 1
        world.assign(worker, [LUNCH, LUNCH])
        world.now_ms += 1

    assert [1, 2, 3, 4, 5, 6] == asked
    assert 6 == len(calls)


def test_the_pause_is_short_again_after_an_answer(world: World) -> None:
    worker = world.worker()
    for away in (True, True, False, True):
        world.store.away = away
        world.assign(worker, [])
        world.now_ms += round(FIRST_SECONDS * 2000)
    world.store.away = False
    world.now_ms -= round(FIRST_SECONDS * 1000)

    assert world.assign(worker, [LUNCH, LUNCH]).ids[0] is not None


def test_members_are_told_to_the_store_when_it_is_back(world: World) -> None:
    worker, other = world.worker(), world.worker()
    found = world.assign(worker, [FEE.format(20), FEE.format(31)])
    world.store.away = True
    with pytest.raises(StoreUnavailable):
        worker.synchronize()
    world.store.away = False

    worker.synchronize()

    assert found.ids[0] is not None
    assert {found.ids[0]: 3} == world.store.add_members({found.ids[0]: 1}, now_ms=world.now_ms)
    assert 0 == other.known


def test_a_campaign_without_members_for_a_day_is_forgotten_by_all(world: World) -> None:
    left, right = world.worker(), world.worker()
    world.assign(left, [FEE.format(20), FEE.format(31)])
    left.synchronize()
    right.synchronize()
    world.now_ms += TTL_SECONDS * 1000 + 1

    left.synchronize()
    right.synchronize()

    assert 0 == left.known == right.known


def test_a_campaign_is_new_for_an_hour_of_event_time(world: World) -> None:
    worker = world.worker()
    world.assign(worker, [FEE.format(20), FEE.format(31)], at_ms=5)

    assert [True] == world.assign(worker, [FEE.format(40)], at_ms=4 + NEW_MS).new.tolist()
    assert [False] == world.assign(worker, [FEE.format(40)], at_ms=5 + NEW_MS).new.tolist()


def test_an_empty_batch_is_nothing(world: World) -> None:
    assert [] == list(world.assign(world.worker(), []).ids)


def test_a_batch_opens_so_many_campaigns_and_the_next_copies_open_the_others(world: World) -> None:
    rng = np.random.default_rng(4)
    worker = world.worker(capacity=1000)
    texts = ["".join(rng.choice(list("abcdefghijklmnopq"), 40)) for _ in range(MAX_PROPOSALS + 10)]

    known = []
    for _ in range(2):
        world.assign(worker, [*texts, *texts])
        known.append(worker.known)

    assert [MAX_PROPOSALS, MAX_PROPOSALS + 10] == known


def read(worker: CampaignDetector, *messages: tuple[int, str]) -> Memberships:
    sources = np.array([source for source, _ in messages], np.uint64)
    return worker.assign([text for _, text in messages], sources, np.zeros(len(messages), np.int64))


def test_messages_that_are_read_again_are_answered_as_before_and_add_no_member(world: World) -> None:
    worker = world.worker()
    read(worker, (0, FEE.format(20)))
    before = read(worker, (1, LUNCH), (2, FEE.format(31)), (3, LUNCH), (4, OTHER))
    read(worker, (5, OTHER))

    again = read(worker, (0, FEE.format(20)), (1, LUNCH), (2, FEE.format(31)), (3, LUNCH), (4, OTHER))

    assert [None, *before.ids] == list(again.ids)
    assert [0, *before.similarities.tolist()] == again.similarities.tolist()
    assert [0, 2, 1, 2, 0] == again.sizes.tolist()


def test_the_answers_that_are_remembered_are_bounded(world: World) -> None:
    worker = world.worker(capacity=MAX_ANSWERS + 10)
    read(worker, (0, FEE.format(20)), *((source, "") for source in range(1, MAX_ANSWERS + 1)))
    read(worker, (MAX_ANSWERS + 1, FEE.format(31)))

    assert read(worker, (0, FEE.format(20))).ids[0] is not None


def test_a_campaign_began_with_the_first_of_two_copies(world: World) -> None:
    worker = world.worker()
    world.assign(worker, [FEE.format(20)], at_ms=5)
    world.assign(worker, [FEE.format(31)], at_ms=1000)

    assert [True] == world.assign(worker, [FEE.format(40)], at_ms=4 + NEW_MS).new.tolist()
    assert [False] == world.assign(worker, [FEE.format(40)], at_ms=5 + NEW_MS).new.tolist()


def test_what_the_store_called_otherwise_is_proposed_once(world: World) -> None:
    opened = []

    class Watched(MemoryLeaderStore):
        def open(self, proposals: Sequence[Leader], *, at_least: float, now_ms: int) -> Sequence[Leader]:
            opened.append(len(proposals))
            return super().open(proposals, at_least=at_least, now_ms=now_ms)

    world.store = Watched()
    left, right = world.worker(), world.worker()
    words = [f"{a}{b}ra" for a in "klmnpqrst" for b in "aeiou"]
    one, two, like_two, three = (" ".join(words[first : first + 14]) for first in (0, 4, 2, 8))
    world.assign(right, [two])
    (_, campaign) = world.assign(left, [one, one]).ids
    assert [campaign] == list(world.assign(right, [like_two]).ids)

    assert [campaign] == list(world.assign(right, [three]).ids)
    assert [1, 1] == opened
