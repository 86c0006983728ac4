"""What stages count is in the store once for every result, whatever is killed, repeated or away."""

import json
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.counting_stage import CountWords, words_of
from tests.unit.worker.conftest import MemoryWorker
from textsieve.worker.counting.counters import CounterStore
from textsieve.worker.records import Partition
from textsieve.worker.testing import MemoryCentroidStore, MemoryCounterStore, MemoryLog

TEXTS = [f'{{"text": "word{i % 7} word{i % 5} message {i}"}}'.encode() for i in range(40)]
MESSAGES = [*TEXTS[:20], b"not json", *TEXTS[20:]]


class Death(BaseException):
    """Nothing in the worker catches it: kill -9."""


@dataclass(slots=True)
class DyingCounters(MemoryCounterStore):
    """Dies in its n-th write, before or after it."""

    nth: int = 0
    after: bool = False

    def add(self, *arguments, **named):
        self.nth -= 1
        if self.nth == 0 and not self.after:
            raise Death
        found = MemoryCounterStore.add(self, *arguments, **named)
        if self.nth == 0:
            raise Death
        return found


@dataclass(slots=True)
class DyingCentroids(MemoryCentroidStore):
    """Dies in its n-th write, before or after it: the counters were written before."""

    nth: int = 0
    after: bool = False

    def pool(self, rows=None):
        return self._dying(rows is not None, partial(MemoryCentroidStore.pool, self, rows))

    def replace(self, *arguments, **named):
        return self._dying(True, partial(MemoryCentroidStore.replace, self, *arguments, **named))

    def _dying(self, writes, act):
        self.nth -= writes
        dies = writes and self.nth == 0
        if dies and not self.after:
            raise Death
        found = act()
        if dies:
            raise Death
        return found


@pytest.fixture
def counting(make_worker):
    return partial(make_worker, stages=(CountWords(),))


def assert_exact(log: MemoryLog, store: MemoryCentroidStore, counters: CounterStore) -> None:
    results = {(m.source, m.offset): json.loads(m.value)["text"] for m in log.results}
    assert len(log.results) == len(results) == len(TEXTS)
    assert words_of(results.values()) == counters.read("words")
    assert len(TEXTS) == store.snapshot.learned == store.snapshot.counts.sum()


@pytest.mark.parametrize("partitions", [1, 3])
def test_every_result_is_counted_once(counting, partitions):
    log, store, counters = (
        MemoryLog.of("in", MESSAGES, partitions=partitions),
        MemoryCentroidStore(),
        MemoryCounterStore(),
    )

    counting(log, store, counters=counters).drain()

    assert_exact(log, store, counters)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize("part", ["counters", "centroids"])
def test_a_worker_killed_around_any_write_of_a_checkpoint_is_succeeded_exactly_once(counting, part, nth, after):
    log = MemoryLog.of("in", MESSAGES, partitions=2)
    store = DyingCentroids(nth=nth if part == "centroids" else 0, after=after)
    counters = DyingCounters(nth=nth if part == "counters" else 0, after=after)
    with pytest.raises(Death):
        counting(log, store, counters=counters).drain()
    log.generation += 1

    counting(log, store, counters=counters).drain()

    assert_exact(log, store, counters)


@pytest.mark.parametrize("turns", range(1, 10))
def test_a_worker_killed_between_two_turns_is_succeeded_exactly_once(counting, turns):
    log, store, counters = MemoryLog.of("in", MESSAGES, partitions=2), MemoryCentroidStore(), MemoryCounterStore()
    counting(log, store, counters=counters, checkpoint_seconds=0.25).turns(turns)
    log.generation += 1

    counting(log, store, counters=counters).drain()

    assert_exact(log, store, counters)


def test_nothing_is_counted_before_it_counts(exactly_once):
    log, counters = MemoryLog.of("in", MESSAGES), MemoryCounterStore()
    worker = exactly_once(log, counters=counters, stages=(CountWords(),))

    worker.turns(2)  # begun, and a batch handed over that is not settled

    assert ({}, []) == (counters.read("words"), log.results)


def test_a_store_that_forgets_the_counters_alone_makes_the_stream_begin_again(counting):
    log, counters = MemoryLog.of("in", MESSAGES), MemoryCounterStore()
    worker = counting(log, counters=counters)
    worker.turns(4)
    counters.lose_marks()

    worker.drain()

    assert 2 == worker.source.calls.count("rewind")
    assert len(TEXTS) == len(log.results) == worker.store.snapshot.learned


def test_counters_that_went_back_are_mended_by_reading_again(counting):
    log, store, counters = MemoryLog.of("in", MESSAGES), MemoryCentroidStore(), MemoryCounterStore()
    worker = counting(log, store, counters=counters)
    worker.turns(3)
    older = deepcopy((counters.tables, counters._marks))
    worker.turns(2)
    counters.tables, counters._marks = older

    worker.drain()

    assert_exact(log, store, counters)


def test_what_is_noted_beside_an_offset_is_what_the_last_part_of_the_store_knows(counting):
    worker = counting(MemoryLog.of("in", MESSAGES), counters=MemoryCounterStore(away=True))
    worker.turns(3)

    worker.clusters.learn()

    partition = Partition("in", 0)
    assert (True, 0) == (worker.clusters.learned_up_to(partition) > 0, worker.loop.state.pushed_up_to(partition))


def test_without_a_stage_that_counts_the_counters_are_never_asked(make_worker):
    counters = MemoryCounterStore(away=True)  # every call would raise
    worker = make_worker(MemoryLog.of("in", MESSAGES), counters=counters)

    worker.drain()

    assert worker.loop.state.counting is None


STEPS = st.sampled_from(["turn", "turn", "turn", "kill", "regroup", "away", "back", "centroids away"])


@given(st.lists(STEPS, max_size=40), st.booleans(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_every_result_is_counted_once_whatever_happens_on_the_way(steps, transactional, partitions):
    log, store, counters = (
        MemoryLog.of("in", MESSAGES, partitions=partitions),
        MemoryCentroidStore(),
        MemoryCounterStore(),
    )
    worker = partial(
        MemoryWorker, log, store, counters=counters, transactional=transactional, stages=(CountWords(),),
        checkpoint_seconds=0.25,
    )  # fmt: skip
    current = worker()
    for step in steps:
        if step == "turn":
            current.turns(1)
        elif step == "kill":
            log.generation += 1
            current = worker()
        elif step == "regroup":
            log.generation += 1
        counters.away = step == "away" or (counters.away and step != "back")
        store.away = counters.away or step == "centroids away"
    counters.away = store.away = False

    current.drain()

    assert_exact(log, store, counters)
