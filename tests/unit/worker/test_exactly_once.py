"""Batches that are transactions, over memory: what survives a death or a fault at each step."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from textsieve.worker.errors import BrokerUnavailable, OwnershipLost, PublishFailed
from textsieve.worker.records import Partition
from textsieve.worker.testing import HashingPredictor, MemoryCentroidStore, MemoryLog, MemoryTransactionalSink

TEXTS = [f'{{"text": "word{i % 7} word{i % 5} message {i}"}}'.encode() for i in range(40)]
BAD = b"not json"
MESSAGES = [*TEXTS[:20], BAD, *TEXTS[20:]]
P0 = Partition("in", 0)


class Death(BaseException):
    """Nothing in the worker catches it: kill -9."""


def answers(log):
    return Counter((m.source, m.offset) for m in [*log.results, *log.dead_letters])


def assert_exactly_once(log, store):
    assert {(p, r.offset): 1 for p, records in log.records.items() for r in records} == answers(log)
    assert store.snapshot is not None
    assert len(log.results) == store.snapshot.learned == store.snapshot.counts.sum()


@dataclass(slots=True)
class DyingSink(MemoryTransactionalSink):
    """Dies in the n-th call of one method, before or after what it does."""

    method: str = ""
    after: bool = False
    calls_left: int = 0

    def publish(self, **batch):
        self._dying("publish", lambda: MemoryTransactionalSink.publish(self, **batch))

    def settle(self):
        self._dying("settle", lambda: MemoryTransactionalSink.settle(self))

    def _dying(self, name, act):
        self.calls_left -= name == self.method
        dies = name == self.method and self.calls_left == 0
        if dies and not self.after:
            raise Death
        act()
        if dies:
            raise Death


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("method", ["publish", "settle"])
def test_a_worker_killed_around_any_step_of_a_transaction_is_succeeded_exactly_once(exactly_once, method, nth, after):
    log, store = MemoryLog.of("in", MESSAGES, partitions=2), MemoryCentroidStore()
    worker = exactly_once(log, store)
    worker.loop.sink = DyingSink(log, worker.source, method=method, after=after, calls_left=nth)
    with pytest.raises(Death):
        worker.turns(60)
    log.generation += 1

    exactly_once(log, store).drain()

    assert_exactly_once(log, store)


@pytest.mark.parametrize("error", [OwnershipLost("moved on"), PublishFailed("no answer in time", reason="timeout")])
@pytest.mark.parametrize("method", ["publish", "settle", "recover"])
@pytest.mark.parametrize("turns_before", [0, 1, 2, 3, 4])
def test_a_fault_at_any_step_of_a_transaction_is_only_a_repetition(exactly_once, method, error, turns_before):
    log = MemoryLog.of("in", MESSAGES, partitions=2)
    worker = exactly_once(log)
    worker.turns(turns_before)
    worker.sink.fail_next[method] = error
    log.generation += method == "recover"  # or it would not be called again

    worker.drain()

    assert {} == worker.sink.fail_next
    assert_exactly_once(log, worker.store)


@dataclass
class _Watching:
    """A model that looks, before each pass, at how many results are there."""

    inner: HashingPredictor
    log: MemoryLog
    seen: list[int] = field(default_factory=list)

    @property
    def card(self):
        return self.inner.card

    def predict(self, texts):
        self.seen.append(len(self.log.results))
        return self.inner.predict(texts)


def test_that_a_batch_counts_is_awaited_only_after_the_model_has_worked_on_the_next(exactly_once):
    log = MemoryLog.of("in", TEXTS)
    worker = exactly_once(log)
    model = _Watching(worker.predictor, log)
    worker.ask(model)

    worker.turns(4)

    assert [0, 0, 10] == model.seen


def test_a_zombie_that_wakes_up_after_a_successor_has_done_its_work_repeats_nothing(exactly_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    zombie = exactly_once(log, store)
    zombie.turns(2)  # a batch is handed over
    log.generation += 1
    exactly_once(log, store).drain()

    zombie.turns(5)

    assert_exactly_once(log, store)


def test_a_worker_without_a_store_commits_and_its_successor_learns_what_nobody_has(exactly_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    store.away = True
    worker = exactly_once(log, store)
    worker.turns(12)
    committed = dict(log.committed)
    store.away = False
    log.generation += 1

    exactly_once(log, store).drain()

    assert {P0: len(TEXTS)} == committed
    assert_exactly_once(log, store)


def test_a_batch_that_is_on_its_way_counts_though_the_worker_stops_before_it_could_begin_again(exactly_once):
    log = MemoryLog.of("in", TEXTS)
    worker = exactly_once(log)
    worker.turns(2)
    worker.source.fail_next["poll"] = BrokerUnavailable("away for a moment")
    worker.turns(1)
    before = dict(log.committed)

    worker.loop.finish()

    assert ({P0: 0}, {P0: 10}) == (before, log.committed)


@pytest.mark.parametrize("turns", [2, 3, 4, 5, 6])
def test_what_a_store_lost_before_it_was_asked_is_learned_before_what_was_read_since(exactly_once, turns):
    """The worker starts behind what the store will turn out to know, and holds rows when it finds out."""
    log, store = MemoryLog.of("in", [*TEXTS, *TEXTS]), MemoryCentroidStore()
    first = exactly_once(log, store)
    first.turns(3)
    old = store.snapshot
    first.turns(3)  # so that the offsets note more than the old snapshot knows
    log.generation += 1
    second = exactly_once(log, store)
    store.away = True
    second.turns(turns)

    store.away, store.snapshot = False, old
    second.drain()

    assert_exactly_once(log, store)


@pytest.mark.parametrize("turns", [1, 2, 3, 4])
def test_what_is_read_again_to_be_learned_does_not_set_the_group_back(exactly_once, turns):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    store.away = True
    exactly_once(log, store).turns(12)
    committed = dict(log.committed)
    store.away = False
    log.generation += 1

    exactly_once(log, store, checkpoint_seconds=1e9).turns(turns)
    left = dict(log.committed)
    log.generation += 1
    exactly_once(log, store).drain()

    assert committed == left == {P0: len(TEXTS)}
    assert_exactly_once(log, store)


def test_a_message_that_was_a_dead_letter_is_not_learned_when_it_is_read_again(exactly_once):
    log, store = MemoryLog.of("in", MESSAGES), MemoryCentroidStore()
    exactly_once(log, store, checkpoint_seconds=1e9).turns(5)
    log.records[P0][20] = log.records[P0][19].__class__("in", 0, 20, None, TEXTS[0], 0)  # a kinder decoder
    log.generation += 1

    exactly_once(log, store).drain()

    assert 1 == len(log.dead_letters)
    assert_exactly_once(log, store)


def test_partitions_that_were_taken_away_are_learned_once_whoever_learns_them(exactly_once):
    log, store = MemoryLog.of("in", TEXTS, partitions=2), MemoryCentroidStore()
    left = exactly_once(log, store, checkpoint_seconds=1e9)
    left.turns(3)
    log.generation += 1
    left.source.owned = {P0}
    right = exactly_once(log, store)
    right.source.owned = {Partition("in", 1)}

    for _ in range(20):
        left.turns(1)
        right.turns(1)
    left.loop.finish()

    assert_exactly_once(log, store)


@pytest.mark.parametrize(("left", "answered"), [({P0: 30}, {1: 30, 2: 10}), ({}, {2: 40})], ids=["back", "forgotten"])
def test_a_group_that_was_set_back_or_forgotten_is_answered_again_and_learned_once(exactly_once, left, answered):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    exactly_once(log, store).drain()
    log.committed, log.learned = dict(left), {}
    log.generation += 1

    exactly_once(log, store).drain()

    assert answered == Counter(answers(log).values())
    assert 40 == store.snapshot.learned


def test_a_transaction_that_was_given_up_is_settled_before_the_group_is_asked_what_it_has_committed(exactly_once):
    """Until it is ended the broker does not tell, and the worker that gave it up is the first to end it."""
    log = MemoryLog.of("in", TEXTS[:1])
    worker = exactly_once(log)
    order = []
    worker.loop.source, worker.loop.sink = Noting(worker.source, order), Noting(worker.sink, order)
    worker.turns(2)
    worker.sink.fail_next["settle"] = PublishFailed("no answer")
    order.clear()

    worker.turns(4)

    assert ["settle", "poll", "settle", "rewind", "recover"] == [call for call in order if call != "publish"][1:6]


class Noting:
    """Stands in front of a part and notes which of its methods are called."""

    def __init__(self, part, order):
        self._part, self._order = part, order

    def __getattr__(self, name):
        if name in ("poll", "rewind", "recover", "settle", "publish"):
            self._order.append(name)
        return getattr(self._part, name)
