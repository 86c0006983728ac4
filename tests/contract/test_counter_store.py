"""What every CounterStore does, asked of the one in memory and of a real one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.contract.stores import Backend, redis_backend, redis_settings
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.redis import RedisCounterStore, connect
from textsieve.worker.counting.counters import Counter, CounterStore, Guard, Increments, Table
from textsieve.worker.counting.guarded import GuardedCounters
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import RedisSettings
from textsieve.worker.testing import MemoryCounterStore

LEFT, RIGHT = Partition("in", 0), Partition("in.other_topic", 11)
SENDERS, HOURS = Table("senders"), Table("hour:17", ttl_seconds=60)
ANNA, BEN, NOON = Counter(SENDERS, "anna"), Counter(SENDERS, "ben: ß\n"), Counter(HOURS, "12")


@pytest.fixture(params=["memory", "single", "sentinel", "cluster"])
def backend(request: pytest.FixtureRequest, names: Names) -> Iterator[Backend[CounterStore]]:
    if request.param == "memory":
        memory = MemoryCounterStore()
        yield Backend(memory, lambda: memory)
        return
    with redis_backend(
        redis_settings(request.param, request), lambda client: RedisCounterStore(client, names.space)
    ) as real:
        yield real
        store = real.store
        for table in ("senders", "hour:17"):
            store.client.delete(store.table_key(table))
        store.client.delete(store.marks_key)


def at(offset: int, life: str = "life") -> Position:
    return Position(offset, life)


def test_nothing_was_counted_in_a_new_space(backend: Backend) -> None:
    assert {} == backend.store.marks()
    assert {} == backend.store.read("senders")


def test_counts_of_several_tables_move_with_the_mark(backend: Backend) -> None:
    guard = backend.store.add(LEFT, {ANNA: 2, NOON: 3, BEN: 1}, expected=None, mark=at(3))

    assert Guard(counted=True, mark=at(3)) == guard
    other = backend.another()
    assert {"anna": 2, "ben: ß\n": 1} == other.read("senders")
    assert {"12": 3} == other.read("hour:17")
    assert {LEFT: at(3)} == other.marks()


def test_increments_add_up_over_partitions_and_calls(backend: Backend) -> None:
    backend.store.add(LEFT, {ANNA: 2}, expected=None, mark=at(3))
    backend.store.add(RIGHT, {ANNA: 5}, expected=None, mark=at(4))
    backend.store.add(LEFT, {ANNA: -1}, expected=at(3), mark=at(6))

    assert {"anna": 6} == backend.store.read("senders")
    assert {LEFT: at(6), RIGHT: at(4)} == backend.store.marks()


@pytest.mark.parametrize("expected", [None, at(2), at(4), at(3, "another life")])
def test_a_call_that_expects_another_mark_counts_nothing_and_is_told_the_mark(
    backend: Backend, expected: Position | None
) -> None:
    backend.store.add(LEFT, {ANNA: 2}, expected=None, mark=at(3))

    guard = backend.store.add(LEFT, {ANNA: 100}, expected=expected, mark=at(9))

    assert Guard(counted=False, mark=at(3)) == guard
    assert {"anna": 2} == backend.store.read("senders")
    assert {LEFT: at(3)} == backend.store.marks()


def test_a_call_that_expects_a_mark_where_there_is_none_is_told_so(backend: Backend) -> None:
    guard = backend.store.add(LEFT, {ANNA: 1}, expected=at(3), mark=at(4))

    assert Guard(counted=False, mark=None) == guard
    assert {} == backend.store.read("senders")


def test_the_mark_moves_without_any_counts(backend: Backend) -> None:
    backend.store.add(LEFT, {}, expected=None, mark=at(7))

    assert {LEFT: at(7)} == backend.store.marks()


def test_a_topic_made_anew_takes_the_place_of_the_older_one(backend: Backend) -> None:
    backend.store.add(LEFT, {ANNA: 1}, expected=None, mark=at(7))

    guard = backend.store.add(LEFT, {ANNA: 1}, expected=at(7), mark=at(2, "another life"))

    assert guard.counted
    assert {LEFT: at(2, "another life")} == backend.store.marks()


def test_workers_that_count_at_the_same_time_lose_nothing(backend: Backend) -> None:
    def count(worker: int) -> None:
        store, partition = backend.another(), Partition("in", worker)
        for offset in range(50):
            store.add(partition, {ANNA: 1, NOON: 2}, expected=at(offset) if offset else None, mark=at(offset + 1))

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(count, range(4)))

    assert {"anna": 200} == backend.store.read("senders")
    assert {"12": 400} == backend.store.read("hour:17")


def test_two_workers_that_count_the_same_messages_count_them_once(backend: Backend) -> None:
    messages = Increments([LEFT] * 40, np.arange(40), [ANNA] * 40, np.ones(40, np.int64))

    def count(_: int) -> None:
        counters = GuardedCounters(backend.another())
        counters.begin({LEFT: at(0)})
        counters.observe(messages, {LEFT: 40})
        counters.flush()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(count, range(4)))

    assert {"anna": 40} == backend.store.read("senders")


def test_a_large_call_arrives_whole(backend: Backend) -> None:
    many = {Counter(SENDERS, f"{number:06d}"): number for number in range(1, 5001)}

    backend.store.add(LEFT, many, expected=None, mark=at(5000))

    assert {counter.field: number for counter, number in many.items()} == backend.store.read("senders")


def test_only_tables_with_a_time_to_live_expire(store: str, names: Names) -> None:
    with connect(RedisSettings(url=store)) as client:
        counters = RedisCounterStore(client, names.space)
        counters.add(LEFT, {ANNA: 1, NOON: 1}, expected=None, mark=at(1))

        assert -1 == client.ttl(counters.table_key("senders"))
        assert 0 < client.ttl(counters.table_key("hour:17")) <= 60
        assert -1 == client.ttl(counters.marks_key)
        client.delete(counters.marks_key, counters.table_key("senders"), counters.table_key("hour:17"))


def test_marks_that_no_worker_wrote_are_refused_by_name(store: str, names: Names) -> None:
    with connect(RedisSettings(url=store)) as client:
        counters = RedisCounterStore(client, names.space)
        client.hset(counters.marks_key, "offset:in:0", "not a mark")

        with pytest.raises(ConfigurationError, match="expected marks as workers write them"):
            counters.marks()
        client.delete(counters.marks_key)
