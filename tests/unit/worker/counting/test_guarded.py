from collections import Counter as Tally
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsieve.worker.counting import guarded
from textsieve.worker.counting.counters import Counter, Increments, Table
from textsieve.worker.counting.guarded import MAX_INCREMENTS, Added, GuardedCounters
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import Partition, Position
from textsieve.worker.testing import MemoryCounterStore

IN = Partition("in", 0)
LIFE = "life"
TABLE = Table("senders")
SENDERS = 3


def increments(first: int, end: int, *, each: int = 1) -> Increments:
    """Every message counts its sender, `each` times."""
    offsets = np.repeat(np.arange(first, end), each)
    counters = [Counter(TABLE, f"s{offset % SENDERS}") for offset in offsets.tolist()]
    return Increments([IN] * len(offsets), offsets, counters, np.ones(len(offsets), np.int64))


def truth(end: int, *, each: int = 1) -> dict[str, int]:
    return dict(Tally(f"s{offset % SENDERS}" for offset in range(end) for _ in range(each)))


def started(store: MemoryCounterStore, start: int = 0) -> GuardedCounters:
    counters = GuardedCounters(store)
    counters.marks()
    counters.begin({IN: Position(start, LIFE)})
    return counters


def test_counts_reach_the_store_at_a_flush() -> None:
    store = MemoryCounterStore()
    counters = started(store)
    counters.observe(increments(0, 10), {IN: 10})

    added = counters.flush()

    assert Added(rows=10) == added
    assert truth(10) == store.read("senders")
    assert {IN: Position(10, LIFE)} == store.marks()
    assert not counters.has_pending


def test_messages_that_are_read_again_are_not_counted_again() -> None:
    store = MemoryCounterStore()
    first = started(store)
    first.observe(increments(0, 10), {IN: 10})
    first.flush()
    second = started(store, start=4)
    second.observe(increments(4, 15), {IN: 15})

    added = second.flush()

    assert Added(rows=5, repeated=6) == added
    assert truth(15) == store.read("senders")


def test_a_worker_that_lost_its_partition_counts_nothing_twice() -> None:
    store = MemoryCounterStore()
    zombie, owner = started(store), started(store)
    zombie.observe(increments(0, 10), {IN: 10})
    owner.observe(increments(0, 7), {IN: 7})
    owner.flush()

    zombie.flush()

    assert truth(10) == store.read("senders")


def test_messages_that_count_nothing_move_the_mark() -> None:
    store = MemoryCounterStore()
    counters = started(store)
    counters.observe(increments(0, 0), {IN: 5})

    counters.flush()

    assert {IN: Position(5, LIFE)} == store.marks()


def test_a_store_that_forgot_counts_is_told_apart_from_one_that_knows_more() -> None:
    store = MemoryCounterStore()
    counters = started(store)
    counters.observe(increments(0, 10), {IN: 10})
    counters.flush()
    store.tables.clear()
    store.lose_marks()
    counters.observe(increments(10, 12), {IN: 12})

    added = counters.flush()

    assert added.rolled_back
    assert {} == store.read("senders")


def test_a_topic_made_anew_is_counted_from_its_beginning() -> None:
    store = MemoryCounterStore()
    old = started(store)
    old.observe(increments(0, 10), {IN: 10})
    old.flush()
    counters = GuardedCounters(store)
    counters.marks()
    counters.begin({IN: Position(0, "another life")})
    counters.observe(increments(0, 3), {IN: 3})

    counters.flush()

    assert 13 == sum(store.read("senders").values())
    assert {IN: Position(3, "another life")} == store.marks()


def test_a_store_that_is_away_loses_nothing() -> None:
    store = MemoryCounterStore()
    counters = started(store)
    counters.observe(increments(0, 10), {IN: 10})
    store.away = True
    with pytest.raises(StoreUnavailable):
        counters.flush()
    store.away = False

    counters.flush()

    assert truth(10) == store.read("senders")


def test_a_stream_that_began_while_the_store_was_away_begins_again_where_it_would_miss_messages() -> None:
    store = MemoryCounterStore()
    before = started(store)
    before.observe(increments(0, 10), {IN: 10})
    before.flush()
    store.away = True
    counters = started(store, start=20)
    store.away = False
    counters.observe(increments(20, 30), {IN: 30})

    added = counters.flush()

    assert added.rolled_back
    assert {IN: Position(10, LIFE)} == counters.marks()


def test_large_batches_go_in_calls_of_bounded_size() -> None:
    sizes: list[int] = []

    class Watched(MemoryCounterStore):
        def add(self, partition, increments, **marks):
            sizes.append(sum(increments.values()))
            return MemoryCounterStore.add(self, partition, increments, **marks)

    store = Watched()
    counters = started(store)
    counters.observe(increments(0, 1500, each=2), {IN: 1500})

    counters.flush()

    assert truth(1500, each=2) == store.read("senders")
    assert max(sizes) <= MAX_INCREMENTS
    assert 3 <= len(sizes)


class Watched(guarded._Row):
    """A row that counts how often any of them is looked at."""

    looks = 0

    @property
    def offset(self) -> int:
        Watched.looks += 1
        return self[0]


def looks_of_a_flush(messages: int) -> int:
    counters = started(MemoryCounterStore())
    counters.observe(increments(0, messages), {IN: messages})
    Watched.looks = 0
    counters.flush()
    return Watched.looks


def test_a_flush_of_twice_the_messages_takes_twice_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_Row", Watched)

    once, twice = (looks_of_a_flush(calls * MAX_INCREMENTS) for calls in (8, 16))

    assert twice < 2.2 * once


def test_giving_up_looks_at_what_is_given_up_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_Row", Watched)
    counters = GuardedCounters(MemoryCounterStore(), max_pending_rows=10_000)
    counters.begin({IN: Position(0, LIFE)})
    counters.observe(increments(0, 10_000), {IN: 10_000})
    Watched.looks = 0

    assert 64 == counters.observe(increments(10_000, 10_064), {IN: 10_064})
    assert Watched.looks < 200


def test_a_message_is_given_up_whole() -> None:
    store = MemoryCounterStore()
    counters = GuardedCounters(store, max_pending_rows=7)
    counters.begin({IN: Position(0, LIFE)})

    assert 6 == counters.observe(increments(0, 4, each=3), {IN: 4})
    counters.flush()
    assert 6 == sum(store.read("senders").values())


def test_the_increments_of_one_message_stay_together_however_many_they_are() -> None:
    store = MemoryCounterStore()
    counters = started(store)
    counters.observe(increments(0, 2, each=MAX_INCREMENTS + 1), {IN: 2})

    counters.flush()

    assert truth(2, each=MAX_INCREMENTS + 1) == store.read("senders")


def test_beyond_the_bound_the_oldest_messages_are_given_up_and_told() -> None:
    store = MemoryCounterStore()
    counters = GuardedCounters(store, max_pending_rows=6)
    counters.begin({IN: Position(0, LIFE)})

    given_up = counters.observe(increments(0, 10), {IN: 10})

    assert 4 == given_up
    counters.flush()
    assert 6 == sum(store.read("senders").values())
    assert {IN: Position(10, LIFE)} == store.marks()


@dataclass
class Stream:
    """Workers one after the other, and sometimes beside each other, over one partition."""

    store: MemoryCounterStore = field(default_factory=MemoryCounterStore)
    committed: int = 0
    uncounted: int = 0  # committed with it, as the progress of a transaction is
    workers: list[GuardedCounters] = field(default_factory=list)
    next: list[int] = field(default_factory=list)

    def start(self) -> None:
        worker = GuardedCounters(self.store)
        mark = worker.marks().get(IN)
        start = min(self.committed, self.uncounted) if mark is None else min(self.committed, mark.offset)
        worker.begin({IN: Position(start, LIFE)})
        self.workers.append(worker)
        self.next.append(start)

    def observe(self, which: int, count: int) -> None:
        first = self.next[which]
        self.workers[which].observe(increments(first, first + count, each=2), {IN: first + count})
        self.next[which] += count

    def commit(self, which: int) -> None:
        if self.next[which] >= self.committed:
            self.committed, self.uncounted = self.next[which], self.workers[which].counted_up_to(IN)

    def flush(self, which: int) -> None:
        try:
            rolled_back = self.workers[which].flush().rolled_back
        except StoreUnavailable:
            return
        if rolled_back:
            self.workers.pop(which)
            self.next.pop(which)
            self.start()


STEP = st.tuples(st.sampled_from(["observe", "flush", "commit", "start", "away"]), st.integers(0, 30))


@given(steps=st.lists(STEP, max_size=40))
def test_every_message_counts_once_whatever_is_repeated_interrupted_or_done_by_two_workers(
    steps: list[tuple[str, int]],
) -> None:
    stream = Stream()
    stream.start()
    for action, number in steps:
        which = number % len(stream.workers)
        match action:
            case "observe":
                stream.observe(which, number)
            case "flush":
                stream.flush(which)
            case "commit":
                stream.commit(which)
            case "start":
                stream.start()
            case "away":
                stream.store.away = not stream.store.away

    stream.store.away = False
    for which in range(len(stream.workers)):
        stream.flush(which)
    stream.start()
    stream.observe(-1, 5)
    stream.flush(-1)

    counted = stream.store.marks()[IN].offset
    assert truth(counted, each=2) == stream.store.read("senders")
    assert counted >= stream.committed
