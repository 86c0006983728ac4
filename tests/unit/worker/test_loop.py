"""The loop over memory: what it does, in which order, and what survives a fault at each step."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from structlog.testing import capture_logs

from textsieve.worker.clustering.pending import row_bytes
from textsieve.worker.dead_letter_limit import DeadLetterLimit
from textsieve.worker.errors import (
    BrokerUnavailable,
    DeviceOutOfMemory,
    OwnershipLost,
    PartitionUnavailable,
    PredictorError,
    PublishFailed,
    WorkerStopped,
)
from textsieve.worker.records import Partition, Position
from textsieve.worker.testing import TOPIC_ID, HashingPredictor, MemoryCentroidStore, MemoryLog, MemorySource

TEXTS = [f'{{"text": "word{i % 7} word{i % 5} message {i}"}}'.encode() for i in range(40)]
BAD = b"not json"


def answered(log: MemoryLog) -> Counter[tuple[Partition, int]]:
    return Counter((m.source, m.offset) for m in [*log.results, *log.dead_letters])


def assert_exactly_once(log: MemoryLog, store: MemoryCentroidStore) -> None:
    everything = {(p, r.offset) for p, records in log.records.items() for r in records}
    assert everything == set(answered(log))
    assert set(answered(log).values()) == {1}
    assert store.snapshot is not None
    assert store.snapshot.learned == len(log.results)
    assert store.snapshot.counts.sum() == len(log.results)


def test_every_message_is_answered_once_and_counted_once(make_worker):
    log = MemoryLog.of("in", [*TEXTS, BAD, None], partitions=3)
    worker = make_worker(log)

    worker.drain()

    assert_exactly_once(log, worker.store)
    assert 2 == len(log.dead_letters)


def test_an_iteration_fences_before_it_publishes_and_commits_last(at_least_once):
    worker = at_least_once(MemoryLog.of("in", TEXTS[:5]))

    worker.drain()

    assert ["poll", "rewind", "poll", "fence", "commit"] == worker.source.calls[:5]
    assert ["recover", "publish", "settle"] == worker.sink.calls


def test_results_of_a_partition_stand_in_offset_order(make_worker):
    log = MemoryLog.of("in", TEXTS, partitions=2)

    make_worker(log).drain()

    for partition in log.records:
        offsets = [m.offset for m in log.results if m.source == partition]
        assert sorted(offsets) == offsets


@pytest.mark.parametrize("landed", range(12))
def test_a_publish_that_fails_in_the_middle_neither_loses_nor_repeats(at_least_once, landed):
    log = MemoryLog.of("in", [*TEXTS[:9], BAD, *TEXTS[9:]])
    worker = at_least_once(log)
    worker.turns(1)
    worker.sink.land = landed

    worker.drain()

    assert_exactly_once(log, worker.store)


def assert_only_a_repetition(worker, part, method, error, turns_before):
    worker.turns(turns_before)
    planned = getattr(worker, part).fail_next
    planned[method] = error
    worker.log.generation += method in ("rewind", "recover")  # or they would not be called again

    worker.drain()

    assert {} == planned
    assert_exactly_once(worker.log, worker.store)


@pytest.mark.parametrize(
    ("part", "method", "error"),
    [
        ("source", "poll", BrokerUnavailable("away")),
        ("source", "rewind", OwnershipLost("gone")),
        ("sink", "publish", PublishFailed("unknown")),
        ("sink", "recover", BrokerUnavailable("away")),
    ],
)
@pytest.mark.parametrize("turns_before", [0, 1, 2, 3])
def test_a_fault_at_any_step_is_only_a_repetition(make_worker, part, method, error, turns_before):
    assert_only_a_repetition(make_worker(MemoryLog.of("in", TEXTS, partitions=2)), part, method, error, turns_before)


@pytest.mark.parametrize("error", [OwnershipLost("gone"), BrokerUnavailable("away")])
@pytest.mark.parametrize("method", ["fence", "commit"])
@pytest.mark.parametrize("turns_before", [0, 1, 2, 3])
def test_a_fault_of_a_fence_or_a_commit_is_only_a_repetition(at_least_once, method, error, turns_before):
    worker = at_least_once(MemoryLog.of("in", TEXTS, partitions=2))

    assert_only_a_repetition(worker, "source", method, error, turns_before)


@pytest.mark.parametrize("method", ["fence", "commit"])
@pytest.mark.parametrize("turns_before", [1, 2, 3, 4])
def test_a_successor_goes_on_where_a_killed_worker_stopped(at_least_once, method, turns_before):
    log = MemoryLog.of("in", TEXTS, partitions=2)
    store = MemoryCentroidStore()
    killed = at_least_once(log, store)
    killed.turns(turns_before)
    killed.source.fail_next[method] = KeyboardInterrupt()  # nothing in the worker catches it: a death
    with pytest.raises(KeyboardInterrupt):
        killed.turns(5)
    log.generation += 1

    at_least_once(log, store).drain()

    assert_exactly_once(log, store)


def test_a_member_that_lost_its_partitions_does_not_publish(make_worker):
    log = MemoryLog.of("in", TEXTS)
    store = MemoryCentroidStore()
    zombie = make_worker(log, store)
    zombie.turns(2)
    published = len(log.results)
    zombie.ask(_Slow(zombie.predictor, log))
    zombie.turns(1)

    assert published == len(log.results)


class _Always(dict[str, Exception]):
    """A fault that stays."""

    def pop(self, key, default=None):
        return self.get(key, default)


class _Slow:
    """A predictor during whose pass the group gives the partitions away."""

    def __init__(self, inner, log):
        self.inner, self.log = inner, log

    @property
    def card(self):
        return self.inner.card

    def predict(self, texts):
        self.log.generation += 1
        return self.inner.predict(texts)


def test_without_a_store_labelling_goes_on_and_nothing_is_committed(at_least_once):
    log = MemoryLog.of("in", TEXTS)
    worker = at_least_once(log)
    worker.store.away = worker.health.started = True

    worker.turns(12)

    assert len(TEXTS) == len(log.results)
    assert {Partition("in", 0): 0} == log.committed or {} == log.committed
    assert worker.health.ready()


def test_when_the_store_comes_back_everything_is_learned_once(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log)
    worker.store.away = True
    worker.turns(12)

    worker.store.away = False
    worker.drain()

    assert_exactly_once(log, worker.store)


ROOM = 15  # results that may wait to be learned: a batch and a half


def unlearned(worker) -> float:
    return worker.metrics.registry.get_sample_value("textsieve_unlearned_messages_total")


@pytest.fixture
def short_of_room(make_worker):
    return partial(make_worker, max_pending_bytes=ROOM * row_bytes(HashingPredictor().dim))


def test_beyond_the_bound_labelling_goes_on_and_the_oldest_results_are_counted_as_unlearned(short_of_room):
    log = MemoryLog.of("in", TEXTS)
    worker = short_of_room(log)
    worker.store.away = True
    with capture_logs() as lines:
        worker.turns(12)
    labelled = len(log.results)

    worker.store.away = False
    worker.drain()

    assert len(TEXTS) == labelled == len(log.results)
    assert (30, 10) == (unlearned(worker), worker.store.snapshot.learned)
    assert 1 == sum("clusters.max_pending_bytes" in line["event"] for line in lines)


def test_assignments_without_a_store_read_no_further_back_than_the_bound_and_every_result_counts_once(short_of_room):
    log = MemoryLog.of("in", TEXTS)
    worker = short_of_room(log)
    worker.turns(3)
    worker.store.away = True
    worker.turns(6)
    log.generation += 1
    worker.turns(6)

    worker.store.away = False
    worker.drain()

    assert sum(worker.predictor.seen) <= len(TEXTS) + 2 * ROOM
    assert len(TEXTS) == len(log.results) == worker.store.snapshot.learned + unlearned(worker)


def test_a_worker_that_starts_long_after_the_store_learned_last_reads_back_the_bound(exactly_once):
    log, store, room = MemoryLog.of("in", TEXTS), MemoryCentroidStore(), ROOM * row_bytes(HashingPredictor().dim)
    first = exactly_once(log, store=store, max_pending_bytes=room)
    first.turns(3)
    store.away = True
    first.turns(6)
    store.away = False

    second = exactly_once(log, store=store, max_pending_bytes=room)
    second.drain()

    assert ROOM == sum(second.predictor.seen)
    assert len(TEXTS) == len(log.results) == store.snapshot.learned + unlearned(second)


def test_a_store_that_went_back_is_repaired_by_reading_again(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log)
    worker.turns(3)
    old = worker.store.snapshot
    worker.turns(1)
    assert old is not None
    worker.store.snapshot = old  # a failover that lost the last write

    worker.drain()

    assert_exactly_once(log, worker.store)


def test_a_store_that_lost_everything_gets_the_newest_local_copy(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log)
    worker.turns(3)
    worker.store.snapshot = None

    worker.drain()

    assert_exactly_once(log, worker.store)


def test_a_worker_that_starts_while_the_store_is_away_finds_the_gap_when_it_returns(make_worker):
    log = MemoryLog.of("in", TEXTS)
    store = MemoryCentroidStore()
    first = make_worker(log, store)
    first.turns(3)
    old = store.snapshot
    first.turns(1)
    log.generation += 1
    second = make_worker(log, store)
    store.away = True
    second.turns(2)

    store.away, store.snapshot = False, old  # it comes back without its last writes
    second.drain()

    assert_exactly_once(log, store)


def test_an_idle_worker_notices_that_the_broker_is_gone(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS[:3]))
    worker.drain()
    worker.source.fail_next["fence"] = BrokerUnavailable("away")

    worker.clock.advance(6)
    before = worker.health.broker_ok
    worker.turns(1)

    assert (True, False) == (before, worker.health.broker_ok)


def test_messages_read_again_do_not_count_twice_toward_the_ceiling(at_least_once):
    log = MemoryLog.of("in", [BAD] * 10)
    worker = at_least_once(log, dead_letter_limit=DeadLetterLimit(1.0, 1000, 15))
    worker.turns(1)
    worker.sink.land = 5

    worker.drain()

    assert 10 == len(log.dead_letters)


def test_a_space_that_was_reset_on_purpose_is_not_restored(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log)
    worker.turns(3)
    worker.store.reset()
    log.records[Partition("in", 0)] = log.records[Partition("in", 0)]

    worker.drain()

    assert worker.store.snapshot is not None
    assert worker.store.snapshot.learned < len(log.results)


def test_a_poison_message_is_found_by_halving_and_the_rest_is_published(make_worker):
    log = MemoryLog.of("in", [*TEXTS[:8], b'{"text": "poison"}', *TEXTS[8:16]])
    worker = make_worker(log, max_batch_records=17)
    worker.predictor.fail_on, worker.predictor.failure = "poison", PredictorError("boom")

    worker.drain()

    assert_exactly_once(log, worker.store)
    assert [8] == [m.offset for m in log.dead_letters]
    assert len(worker.predictor.seen) <= 2 * 5 + 2  # logarithmic: halvings of 17, both halves, and the probe


def test_a_model_that_fails_on_everything_stops_the_worker_and_makes_no_dead_letters(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log)
    worker.predictor.fail_on, worker.predictor.failure = "", PredictorError("boom")
    worker.predictor.fail_on = "e"  # in every text and in the probe

    with pytest.raises(WorkerStopped, match="the last of one message"):
        worker.turns(50)

    assert [] == log.dead_letters
    assert 0 == log.committed.get(Partition("in", 0), 0)


def test_too_many_dead_letters_in_a_row_stop_the_worker_before_they_are_published(make_worker):
    log = MemoryLog.of("in", [BAD] * 30)
    worker = make_worker(log, dead_letter_limit=DeadLetterLimit(1.0, 1000, 15))

    with pytest.raises(WorkerStopped, match="max_consecutive"):
        worker.turns(10)

    assert len(log.dead_letters) <= 15


def test_an_absent_broker_stops_the_worker_after_the_time_allowed(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS))
    worker.source.fail_next = _Always({"poll": BrokerUnavailable("away")})

    with pytest.raises(WorkerStopped, match="service_retry_seconds"):
        worker.turns(500)


@pytest.mark.parametrize("method", ["poll", "fence"])
def test_two_short_absences_of_the_broker_are_not_a_long_one_to_an_idle_worker(make_worker, method):
    worker = make_worker(MemoryLog.of("in", TEXTS))
    worker.drain()
    for _ in range(3):
        worker.source.fail_next[method] = BrokerUnavailable("away")
        for _ in range(30):
            worker.clock.advance(6)
            worker.turns(1)

    assert worker.health.broker_ok


def test_two_workers_share_one_space_without_losing_an_update(make_worker):
    store = MemoryCentroidStore()
    left, right = MemoryLog.of("left", TEXTS), MemoryLog.of("right", TEXTS)
    workers = [make_worker(left, store), make_worker(right, store)]

    for _ in range(20):
        for worker in workers:
            worker.turns(1)

    assert store.snapshot is not None
    assert len(left.results) + len(right.results) == store.snapshot.learned == 80


def test_a_dead_letter_of_an_earlier_life_is_not_counted_as_learned(make_worker):
    log = MemoryLog.of("in", [*TEXTS[:8], b'{"text": "poison"}', *TEXTS[8:16]])
    store = MemoryCentroidStore()
    first = make_worker(log, store, checkpoint_seconds=1e9, max_batch_records=17)
    first.predictor.fail_on, first.predictor.failure = "poison", PredictorError("boom")
    first.turns(2)  # published, not learned, not committed
    log.generation += 1

    make_worker(log, store).drain()  # its model answers the same message

    assert_exactly_once(log, store)


class _InTurn(MemorySource):
    """Serves one partition a poll, in turn, as a consumer with much prefetched does."""

    def poll(self, *, max_records, timeout_seconds):
        rest = self._position
        if max_records and rest:
            first = next(iter(rest))
            self._position = {first: rest.pop(first)}
        polled = super().poll(max_records=max_records, timeout_seconds=timeout_seconds)
        self._position = rest | self._position
        return polled


class _NoRoomForMany(HashingPredictor):
    """Has memory for two texts when a bulky one is among them."""

    def predict(self, texts):
        if len(texts) > 2 and any("bulky" in text for text in texts):
            raise DeviceOutOfMemory("no room")
        return super().predict(texts)


def test_a_batch_that_does_not_fit_shrinks_although_another_partition_goes_on(make_worker):
    log = MemoryLog.of("in", [b'{"text": "ordinary"}'] * 2000)
    crowded = Partition("in", 1)
    for number in range(20):
        log.append(crowded, b'{"text": "bulky"}' if number == 9 else b'{"text": "ordinary"}')
    worker = make_worker(log, predictor=_NoRoomForMany())
    worker.loop.source = _InTurn(log)
    if worker.transactional:
        worker.sink.source = worker.loop.source

    worker.turns(60)

    assert set(range(20)) == {result.offset for result in log.results if result.source == crowded}


def test_the_ledger_in_memory_shrinks_as_its_messages_pass(at_least_once):
    log = MemoryLog.of("in", [*TEXTS, BAD])
    store = MemoryCentroidStore()
    at_least_once(log, store).drain()
    log.committed[Partition("in", 0)] = 0  # somebody set the group back
    log.generation += 1
    worker = at_least_once(log, store)
    worker.turns(1)
    held = [len(p.results) + len(p.dead_letters) for p in worker.loop._published.published.values()]

    worker.drain()

    assert [41] == held
    assert [0] == [len(p.results) + len(p.dead_letters) for p in worker.loop._published.published.values()]
    assert_exactly_once(log, store)


def test_a_busy_worker_seeds_as_soon_as_it_holds_enough_and_not_with_all_that_a_checkpoint_brings(make_worker):
    log = MemoryLog.of("in", TEXTS[:1] * 500)
    worker = make_worker(log, seed_size=25, checkpoint_seconds=1000.0)

    worker.turns(5)  # ten messages each, and one turn to begin

    assert 30 == worker.store.snapshot.learned


def test_a_stream_that_goes_quiet_is_seeded_when_its_time_has_come(make_worker):
    worker = make_worker(MemoryLog.of("in", TEXTS[:5]), seed_size=100)
    worker.store.clock = worker.clock
    worker.drain()
    assert worker.store.snapshot is None

    worker.clock.advance(61)
    worker.turns(2)

    assert worker.store.snapshot is not None
    assert 5 == worker.store.snapshot.learned


def test_a_store_that_lost_the_end_of_the_seed_pool_is_repaired_by_reading_again(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log, seed_size=30)
    worker.turns(2)
    earlier = worker.store._pool
    worker.turns(1)
    worker.store._pool = earlier  # a restart without its last second

    worker.drain()

    assert_exactly_once(log, worker.store)


def test_a_store_that_lost_the_whole_seed_pool_is_repaired_by_reading_again(make_worker):
    log = MemoryLog.of("in", TEXTS)
    worker = make_worker(log, seed_size=30)
    worker.turns(3)
    worker.store._pool = None

    worker.drain()

    assert_exactly_once(log, worker.store)


def test_a_successor_reads_again_what_a_store_lost_of_the_seed_pool(make_worker):
    log = MemoryLog.of("in", TEXTS)
    store = MemoryCentroidStore()
    killed = make_worker(log, store, seed_size=30)
    killed.turns(2)
    earlier = store._pool
    killed.turns(1)
    store._pool = earlier
    log.generation += 1

    make_worker(log, store, seed_size=30).drain()

    assert_exactly_once(log, store)


def test_rows_that_another_worker_seeded_without_are_read_again(at_least_once):
    log = MemoryLog.of("in", TEXTS, partitions=2)
    store = MemoryCentroidStore()
    left, right = (at_least_once(log, store, seed_size=20) for _ in range(2))
    for number, worker in enumerate((left, right)):
        worker.source.owned = {Partition("in", number)}
    left.turns(2)
    left_alone = store._pool
    left_alone = replace(
        left_alone,
        sources=left_alone.sources[:5],
        embeddings=left_alone.embeddings[:5],
        watermarks={Partition("in", 0): Position(5, TOPIC_ID)},
    )
    store._pool = left_alone  # a restart without its last second
    right.turns(5)

    left.drain()

    assert_exactly_once(log, store)


def test_a_partition_that_cannot_be_served_stops_itself_only_and_is_caught_up_with(make_worker):
    sick, well = Partition("in", 0), Partition("in", 1)
    log = MemoryLog.of("in", TEXTS, partitions=2)
    worker = make_worker(log)
    worker.turns(1)
    worker.sink.fail_next["publish"] = PartitionUnavailable([sick], "no leader")

    worker.turns(12)
    meanwhile = {partition: log.committed[partition] for partition in (sick, well)}
    worker.source.aside.clear()
    log.generation += 1
    worker.drain()

    assert {sick: 0, well: 20} == meanwhile
    assert_exactly_once(log, worker.store)
