"""What every AlarmStore and NoteStore does, asked of the one in memory and of a real one."""

from collections.abc import Iterator

import pytest

from tests.contract.stores import Backend, redis_backend, redis_settings
from textsieve.embedded.topics import Names
from textsieve.worker.campaigns.alarm_store import MAX_OUTBOX, OUTBOX_READ
from textsieve.worker.campaigns.notes import CampaignNotes, Notes
from textsieve.worker.campaigns.watermark import LATENESS_MS
from textsieve.worker.connectors.redis import RedisAlarmStore, connect
from textsieve.worker.settings import RedisSettings
from textsieve.worker.testing import MemoryAlarmStore

NOW, LEASE = 1_764_000_000_000, 600_000  # a time that is past; longer than any test
CAMPAIGN, OTHER = "0123456789ab", "ba9876543210"


@pytest.fixture(params=["memory", "single", "cluster"])
def backend(request: pytest.FixtureRequest, names: Names) -> Iterator[Backend[RedisAlarmStore | MemoryAlarmStore]]:
    if request.param == "memory":
        memory = MemoryAlarmStore()
        yield Backend(memory, lambda: memory)
        return
    with redis_backend(
        redis_settings(request.param, request), lambda client: RedisAlarmStore(client, names.space)
    ) as real:
        yield real
        store = real.store
        for key in (*store.keys, *store.note_keys(CAMPAIGN), *store.note_keys(OTHER)):
            store.client.delete(key)


def asked(store: RedisAlarmStore | MemoryAlarmStore, owner: str, *, known: bool = False) -> bytes | None:
    """The state that a worker is given with the lease; fails where it does not get it."""
    lease = store.acquire(owner, latest_ms=0, lease_ms=LEASE, known=known)
    assert lease is not None
    return lease.state


def leave(store: RedisAlarmStore | MemoryAlarmStore, owner: str) -> None:
    """Let the lease run out."""
    assert store.acquire(owner, latest_ms=0, lease_ms=-1) is not None


def test_the_first_worker_that_asks_has_the_lease_and_no_state(backend: Backend) -> None:
    assert b"" == asked(backend.store, "anna")
    assert backend.another().acquire("ben", latest_ms=0, lease_ms=LEASE) is None


def test_whoever_has_the_lease_may_renew_it(backend: Backend) -> None:
    leave(backend.store, "anna")
    asked(backend.store, "anna")

    assert backend.another().acquire("ben", latest_ms=0, lease_ms=LEASE) is None


def test_the_next_worker_goes_on_from_the_state_that_was_saved(backend: Backend) -> None:
    leave(backend.store, "anna")
    assert backend.store.save("anna", b"state", [])

    assert b"state" == asked(backend.another(), "ben")


def test_a_worker_that_knows_the_state_is_given_it_only_if_another_had_the_lease(backend: Backend) -> None:
    leave(backend.store, "anna")
    backend.store.save("anna", b"state", [])

    assert asked(backend.store, "anna", known=True) is None
    assert b"state" == asked(backend.store, "anna")
    leave(backend.store, "anna")
    leave(backend.another(), "ben")
    assert b"state" == asked(backend.store, "anna", known=True)


def test_a_worker_begins_anew_where_the_state_was_deleted(store: str, names: Names) -> None:
    with connect(RedisSettings(url=store)) as client:
        alarms = RedisAlarmStore(client, names.space)
        asked(alarms, "anna")
        alarms.save("anna", b"state", [])
        client.delete(alarms.keys[0])

        assert b"" == asked(alarms, "anna", known=True)
        client.delete(alarms.keys[0])


def test_a_worker_that_lost_its_lease_saves_nothing(backend: Backend) -> None:
    leave(backend.store, "anna")
    asked(backend.another(), "ben")

    assert not backend.store.save("anna", b"old", [b"alarm"])
    assert [] == list(backend.another().outbox())
    assert b"" == asked(backend.another(), "ben")


def test_the_largest_event_time_is_shared_by_whoever_has_the_lease_or_not(backend: Backend) -> None:
    found = backend.store.acquire("anna", latest_ms=NOW, lease_ms=LEASE)
    assert found is not None
    future_ms = found.now_ms + LATENESS_MS + 60_000  # another minute, in which the test ends
    for latest_ms in (NOW + 7, NOW + 3, future_ms):
        assert backend.another().acquire("ben", latest_ms=latest_ms, lease_ms=LEASE) is None

    found = backend.store.acquire("anna", latest_ms=NOW, lease_ms=LEASE)

    assert found is not None
    assert NOW + 7 == found.latest_ms


def test_the_store_tells_its_time(backend: Backend) -> None:
    found = backend.store.acquire("anna", latest_ms=0, lease_ms=LEASE)

    assert found is not None
    assert NOW < found.now_ms < 2 * NOW  # a time in milliseconds, whatever the clock


def test_alarms_stay_in_the_outbox_until_they_are_published(backend: Backend) -> None:
    asked(backend.store, "anna")
    backend.store.save("anna", b"1", [b"first", b"second"])
    backend.store.save("anna", b"2", [b"third"])

    assert [b"first", b"second", b"third"] == list(backend.another().outbox())
    backend.store.published("ben", 1)
    assert [b"first", b"second", b"third"] == list(backend.another().outbox())
    backend.store.published("anna", 2)
    assert [b"third"] == list(backend.another().outbox())


def test_the_outbox_keeps_the_newest_alarms_and_gives_some_at_a_time(backend: Backend) -> None:
    asked(backend.store, "anna")
    backend.store.save("anna", b"1", [b"%d" % number for number in range(MAX_OUTBOX)])
    backend.store.save("anna", b"2", [b"last"])

    waiting = backend.store.outbox()
    assert (OUTBOX_READ, b"1", b"%d" % OUTBOX_READ) == (len(waiting), waiting[0], waiting[-1])
    backend.store.published("anna", MAX_OUTBOX - 1)
    assert [b"last"] == list(backend.store.outbox())


def test_notes_on_many_campaigns_are_kept_apart(backend: Backend) -> None:
    many = {f"{number:012x}": Notes(frozenset({b"a", b"%d" % number}), (f"text {number}",)) for number in range(150)}
    backend.store.note({**many, CAMPAIGN: Notes(frozenset({b"a"}), ("one",)), OTHER: Notes(samples=("two",))})

    assert CampaignNotes(2, ("text 149",)) == backend.store.noted(f"{149:012x}")
    assert CampaignNotes(1, ("one",)) == backend.store.noted(CAMPAIGN)
    assert CampaignNotes(0, ("two",)) == backend.store.noted(OTHER)
    if isinstance(backend.store, RedisAlarmStore):
        for campaign in many:
            for key in backend.store.note_keys(campaign):
                backend.store.client.delete(key)


def test_notes_of_all_workers_come_together(backend: Backend) -> None:
    backend.store.note({CAMPAIGN: Notes(frozenset({b"a", b"\xff"}), ("one", "two"))})
    backend.another().note({CAMPAIGN: Notes(frozenset({b"a", b"c"}), ("two", "thrée", "four")), OTHER: Notes()})

    assert CampaignNotes(3, ("one", "two", "thrée")) == backend.store.noted(CAMPAIGN)
    assert CampaignNotes() == backend.store.noted(OTHER)


def test_notes_expire(store: str, names: Names) -> None:
    with connect(RedisSettings(url=store)) as client:
        alarms = RedisAlarmStore(client, names.space)
        alarms.note({CAMPAIGN: Notes(frozenset({b"a"}), ("one",))})

        for key in alarms.note_keys(CAMPAIGN):
            assert 0 < client.ttl(key) <= 3600
            client.delete(key)
