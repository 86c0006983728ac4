"""What every LeaderStore does, asked of the one in memory and of a real one."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from tests.contract.stores import Backend, redis_backend, redis_settings
from textsieve.embedded.topics import Names
from textsieve.worker.campaigns.leaders import MAX_OF_BAND, TTL_SECONDS, Leader, LeaderStore, Revision
from textsieve.worker.campaigns.minhash import signatures
from textsieve.worker.connectors.redis import RedisLeaderStore, connect
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import RedisSettings
from textsieve.worker.testing import MemoryLeaderStore

NOW = 1_764_000_000_000
DAY = TTL_SECONDS * 1000


@pytest.fixture(params=["memory", "single", "sentinel", "cluster"])
def backend(request: pytest.FixtureRequest, names: Names) -> Iterator[Backend[LeaderStore]]:
    if request.param == "memory":
        memory = MemoryLeaderStore(max_leaders=5)
        yield Backend(memory, lambda: memory)
        return
    with redis_backend(
        redis_settings(request.param, request), lambda client: RedisLeaderStore(client, names.space, max_leaders=5)
    ) as real:
        yield real
        store = real.store
        for key in store.keys:
            store.client.delete(key)


def leader(text: str, first_seen_ms: int = 1) -> Leader:
    return Leader.of(signatures([text])[0], first_seen_ms)


FEE = leader("your parcel is held at customs, pay the fee today")
FEE_TOO = leader("your parcel is held at customs, pay the fees today", 2)
LUNCH = leader("shall we have lunch on tuesday with sam and the others", 3)
OTHERS = [leader(text * 9) for text in ("abcde", "fghij", "klmno", "pqrst")]


def opened(store: LeaderStore, *proposals: Leader, now_ms: int = NOW) -> list[tuple[str, int]]:
    found = store.open(proposals, at_least=0.4, now_ms=now_ms)
    return [(one.id, one.first_seen_ms) for one in found]


def test_there_are_no_leaders_in_a_new_space(backend: Backend) -> None:
    changes = backend.store.changes(Revision(), now_ms=NOW)

    assert [] == list(changes.leaders)
    assert changes.ids is None
    assert Revision(0, 0) == changes.revision


def test_a_proposal_like_none_becomes_a_leader_that_another_worker_learns_of(backend: Backend) -> None:
    assert [(FEE.id, 1), (LUNCH.id, 3)] == opened(backend.store, FEE, LUNCH)

    changes = backend.another().changes(Revision(), now_ms=NOW)

    assert [FEE.id, LUNCH.id] == [one.id for one in changes.leaders]
    assert [FEE.signature.tolist(), LUNCH.signature.tolist()] == [one.signature.tolist() for one in changes.leaders]
    assert Revision(2, 0) == changes.revision


def test_a_proposal_joins_the_leader_that_it_resembles(backend: Backend) -> None:
    opened(backend.store, FEE)

    assert [(FEE.id, 1)] == opened(backend.another(), FEE_TOO)
    assert [(FEE.id, 1)] == opened(backend.another(), leader("your parcel is held at customs, pay the fee today", 7))


def test_a_proposal_joins_an_earlier_one_of_the_same_call(backend: Backend) -> None:
    assert [(LUNCH.id, 3), (FEE.id, 1), (FEE.id, 1)] == opened(backend.store, LUNCH, FEE, FEE_TOO)


def test_a_proposal_joins_the_one_it_resembles_most(backend: Backend) -> None:
    backend.store.open([FEE, FEE_TOO], at_least=0.99, now_ms=NOW)

    assert [FEE_TOO.id] == [id_ for id_, _ in opened(backend.store, FEE_TOO)]


def test_a_proposal_too_little_alike_leads_itself(backend: Backend) -> None:
    found = backend.store.open([FEE, FEE_TOO], at_least=0.99, now_ms=NOW)

    assert [FEE.id, FEE_TOO.id] == [one.id for one in found]


@pytest.mark.parametrize(("newer", "joins"), [(MAX_OF_BAND - 1, True), (MAX_OF_BAND, False)])
def test_a_proposal_is_compared_to_the_newest_leaders_of_a_band_alone(
    backend: Backend, newer: int, *, joins: bool
) -> None:
    rng = np.random.default_rng(5)
    oldest, *others = rng.integers(0, 2**32, (1 + newer, 48), dtype=np.uint32)
    proposed = oldest.copy()
    proposed[3::3] += 1  # two of three values of each band but the first
    for other in others:
        other[:3] = oldest[:3]
    backend.store.open([Leader.of(one, 0) for one in (oldest, *others)], at_least=0.4, now_ms=NOW)

    found = opened(backend.store, Leader.of(proposed, 0))

    assert [(Leader.of(oldest if joins else proposed, 0).id, 0)] == found


def test_many_proposals_are_answered_in_their_order(backend: Backend) -> None:
    proposals = [Leader.of(one, 0) for one in np.random.default_rng(6).integers(0, 2**32, (50, 48), dtype=np.uint32)]

    assert [one.id for one in proposals] == [id_ for id_, _ in opened(backend.store, *proposals)]


def test_workers_that_propose_at_the_same_time_open_one_campaign(backend: Backend) -> None:
    texts = [f"your parcel is held at customs, pay the fee today, {name}" for name in ("anna", "ben", "carl", "dora")]

    def propose(text: str) -> str:
        return opened(backend.another(), leader(text))[0][0]

    with ThreadPoolExecutor(4) as workers:
        ids = set(workers.map(propose, texts))

    assert 1 == len(ids)


def test_only_what_is_new_is_told(backend: Backend) -> None:
    opened(backend.store, FEE)
    revision = backend.store.changes(Revision(), now_ms=NOW).revision
    opened(backend.another(), LUNCH)

    changes = backend.store.changes(revision, now_ms=NOW)

    assert [LUNCH.id] == [one.id for one in changes.leaders]
    assert changes.ids is None


def test_members_of_all_workers_add_up(backend: Backend) -> None:
    opened(backend.store, FEE, LUNCH)
    backend.store.add_members({FEE.id: 3, LUNCH.id: 1}, now_ms=NOW)

    sizes = backend.another().add_members({FEE.id: 2, FEE_TOO.id: 1}, now_ms=NOW)

    assert {FEE.id: 5} == dict(sizes)


def test_a_campaign_ends_a_day_after_its_last_member(backend: Backend) -> None:
    opened(backend.store, FEE, LUNCH)
    revision = backend.store.changes(Revision(), now_ms=NOW).revision
    backend.store.add_members({LUNCH.id: 1}, now_ms=NOW + DAY)

    assert backend.store.changes(revision, now_ms=NOW + DAY).ids is None
    changes = backend.store.changes(revision, now_ms=NOW + DAY + 1)

    assert {LUNCH.id} == changes.ids
    assert [] == list(changes.leaders)
    assert Revision(2, 1) == changes.revision
    assert [(FEE_TOO.id, 2)] == opened(backend.store, FEE_TOO)  # not the one that is gone
    assert {} == backend.store.add_members({FEE.id: 1}, now_ms=NOW)


def test_an_older_member_does_not_shorten_a_campaign(backend: Backend) -> None:
    opened(backend.store, FEE)
    backend.store.add_members({FEE.id: 1}, now_ms=NOW + DAY)
    backend.store.add_members({FEE.id: 1}, now_ms=NOW)

    assert [FEE.id] == [one.id for one in backend.store.changes(Revision(), now_ms=NOW + DAY + 1).leaders]


def test_beyond_the_limit_the_one_without_members_for_longest_goes(backend: Backend) -> None:
    for number, one in enumerate([FEE, LUNCH, *OTHERS]):
        opened(backend.store, one, now_ms=NOW + number)
    opened(backend.store, FEE, now_ms=NOW + 99)

    changes = backend.store.changes(Revision(6, 0), now_ms=NOW + 99)

    assert {FEE.id, *(one.id for one in OTHERS)} == changes.ids


def test_a_store_that_went_back_is_told_whole(backend: Backend) -> None:
    opened(backend.store, FEE)

    changes = backend.store.changes(Revision(17, 0), now_ms=NOW)

    assert {FEE.id} == changes.ids
    assert [FEE.id] == [one.id for one in changes.leaders]
    assert Revision(1, 0) == changes.revision


def test_a_campaign_that_ended_leaves_nothing_behind(store: str, names: Names) -> None:
    with connect(RedisSettings(url=store)) as client:
        leaders = RedisLeaderStore(client, names.space)
        opened(leaders, FEE, LUNCH)
        leaders.add_members({FEE.id: 1, LUNCH.id: 1}, now_ms=NOW)

        leaders.changes(Revision(), now_ms=NOW + 2 * DAY)

        assert [leaders.keys[-1]] == [key for key in leaders.keys if client.exists(key)]
        client.delete(leaders.keys[-1])


def test_leaders_that_no_worker_wrote_are_refused_by_name(store: str, names: Names) -> None:
    with connect(RedisSettings(url=store)) as client:
        leaders = RedisLeaderStore(client, names.space)
        opened(leaders, FEE)
        client.hset(leaders.keys[0], FEE.id, "not a leader")

        with pytest.raises(ConfigurationError, match="expected leaders as workers write them"):
            leaders.changes(Revision(), now_ms=NOW)
        client.delete(*leaders.keys)


@pytest.mark.parametrize("kind", ["memory", "single"])
def test_beyond_the_limit_a_hundredth_goes_besides(kind: str, request: pytest.FixtureRequest, names: Names) -> None:
    proposals = [Leader.of(one, 0) for one in np.random.default_rng(7).integers(0, 2**32, (201, 48), dtype=np.uint32)]
    with ExitStack() as stack:
        if kind == "memory":
            leaders: LeaderStore = MemoryLeaderStore(max_leaders=200)
        else:
            client = stack.enter_context(connect(RedisSettings(url=request.getfixturevalue("store"))))
            leaders = RedisLeaderStore(client, names.space, max_leaders=200)
            stack.callback(client.delete, *leaders.keys)
        full, over = [], []
        for number, one in enumerate(proposals):
            full = over
            opened(leaders, one, now_ms=NOW + number)
            over = leaders.changes(Revision(), now_ms=NOW + 300).ids or []

    assert 0 == len(full)
    assert {one.id for one in proposals[3:]} == over


def test_a_worker_whose_clock_is_days_ahead_forgets_no_campaign_of_the_others(store: str, names: Names) -> None:
    now = time.time_ns() // 1_000_000
    with connect(RedisSettings(url=store)) as client:
        leaders = RedisLeaderStore(client, names.space)
        opened(leaders, FEE, now_ms=now)

        changes = leaders.changes(Revision(), now_ms=now + 2 * DAY)

        client.delete(*leaders.keys)
    assert [FEE.id] == [one.id for one in changes.leaders]
