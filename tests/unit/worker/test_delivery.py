"""The statements of docs/delivery.md that need nothing but memory: every crash point, and every limit."""

from collections import Counter
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import pytest

from textsieve.worker.clustering.centroids import Snapshot
from textsieve.worker.errors import PublishFailed
from textsieve.worker.records import Outgoing, Partition, Position
from textsieve.worker.testing import TOPIC_ID, MemoryCentroidStore, MemoryLog, MemorySink, MemorySource

TEXTS = [f'{{"text": "word{i % 7} word{i % 5} message {i}"}}'.encode() for i in range(40)]
BAD = b"not json"
MESSAGES = [*TEXTS[:20], BAD, *TEXTS[20:]]
P0, P1 = Partition("in", 0), Partition("in", 1)


class Death(BaseException):
    """Nothing in the worker catches it: kill -9."""


def answers(log: MemoryLog) -> Counter[tuple[Partition, int]]:
    return Counter((m.source, m.offset) for m in [*log.results, *log.dead_letters])


def assert_exactly_once(log: MemoryLog, store: MemoryCentroidStore) -> None:
    assert {(p, r.offset): 1 for p, records in log.records.items() for r in records} == answers(log)
    assert_counted_once(log, store)


def assert_counted_once(log: MemoryLog, store: MemoryCentroidStore) -> None:
    assert store.snapshot is not None
    assert len({(m.source, m.offset) for m in log.results}) == store.snapshot.learned
    assert store.snapshot.learned == store.snapshot.counts.sum()


@dataclass(slots=True)
class DyingSource(MemorySource):
    """Dies in the n-th call of one method."""

    method: str = ""
    calls_left: int = 0

    def _called(self, name: str) -> None:
        MemorySource._called(self, name)
        if name == self.method:
            self.calls_left -= 1
            if self.calls_left == 0:
                raise Death


@dataclass(slots=True)
class DyingSink(MemorySink):
    """Dies in the n-th publish, after so many of its messages have landed."""

    landing: int = 0
    calls_left: int = 0

    def publish(self, *, results, dead_letters, progress, timeout_seconds):
        self.calls_left -= 1
        if self.calls_left == 0:
            queue = [(self.log.dead_letters, m) for m in dead_letters] + [(self.log.results, m) for m in results]
            for topic, message in queue[: self.landing]:
                topic.append(message)
            raise Death
        MemorySink.publish(
            self, results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
        )


@dataclass(slots=True)
class DyingStore(MemoryCentroidStore):
    """Kills the caller before or after its n-th write of one kind."""

    method: str = ""
    after: bool = False
    calls_left: int = 0

    def replace(self, snapshot, *, expected, pool_revision=None):
        return self._dying(
            "replace",
            lambda: MemoryCentroidStore.replace(self, snapshot, expected=expected, pool_revision=pool_revision),
        )

    def pool(self, rows=None):
        return self._dying("pool", lambda: MemoryCentroidStore.pool(self, rows))

    def _dying(self, name, write):
        self.calls_left -= name == self.method
        dies = name == self.method and self.calls_left == 0
        if dies and not self.after:
            raise Death
        done = write()
        if dies:
            raise Death
        return done


def use(worker, **parts) -> None:
    for name, part in parts.items():
        setattr(worker, name, part)
        object.__setattr__(worker.loop, name, part)


def die_and_succeed(make_worker, log, store, worker) -> None:
    with pytest.raises(Death):
        worker.turns(60)
    log.generation += 1
    make_worker(log, store).drain()
    assert_exactly_once(log, store)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("method", ["poll", "rewind", "fence", "commit"])
def test_a_worker_killed_at_any_call_to_the_group_is_succeeded_exactly_once(at_least_once, method, nth):
    log, store = MemoryLog.of("in", MESSAGES, partitions=2), MemoryCentroidStore()
    worker = at_least_once(log, store)
    use(worker, source=DyingSource(log, method=method, calls_left=1 if method == "rewind" else nth))

    die_and_succeed(at_least_once, log, store, worker)


@pytest.mark.parametrize("landing", [0, 1, 2, 9, 10])
def test_a_worker_killed_between_or_within_dead_letters_and_results_is_succeeded_exactly_once(at_least_once, landing):
    log, store = MemoryLog.of("in", MESSAGES), MemoryCentroidStore()
    worker = at_least_once(log, store)
    use(worker, sink=DyingSink(log, landing=landing, calls_left=3))  # its batch holds the dead letter

    die_and_succeed(at_least_once, log, store, worker)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_worker_killed_while_it_learns_is_succeeded_exactly_once(make_worker, nth, after):
    log = MemoryLog.of("in", MESSAGES)
    store = DyingStore(method="replace", after=after, calls_left=1 + nth)  # the first one seeds

    die_and_succeed(make_worker, log, store, make_worker(log, store))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("method", ["pool", "replace"])
def test_a_worker_killed_while_it_seeds_is_succeeded_exactly_once(make_worker, method, after):
    log = MemoryLog.of("in", MESSAGES)
    store = DyingStore(method=method, after=after, calls_left=1)

    die_and_succeed(make_worker, log, store, make_worker(log, store))


def test_a_commit_of_the_group_beyond_the_watermark_is_read_again_and_not_published_again(make_worker):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    make_worker(log, store).drain()
    assert store.snapshot is not None
    counts = np.asarray(store.snapshot.counts) * 0 + 5.0
    store.snapshot = replace(
        store.snapshot, revision="old", learned=15, counts=counts, watermarks={P0: Position(15, TOPIC_ID)}
    )
    log.generation += 1
    worker = make_worker(log, store)

    worker.turns(1)
    started_at = worker.loop._next[P0]
    worker.turns(10)

    assert 15 == started_at
    assert_exactly_once(log, store)


def test_revoked_partitions_drop_what_was_observed_and_another_worker_learns_it(at_least_once):
    log, store = MemoryLog.of("in", TEXTS, partitions=2), MemoryCentroidStore()
    left = at_least_once(log, store, checkpoint_seconds=1e9)
    left.turns(3)  # the first batch seeds at once, the second is observed
    observed = left.clusters.pending_bytes
    log.generation += 1
    left.source.owned = {P0}
    right = at_least_once(log, store)
    right.source.owned = {P1}
    left.turns(1)
    dropped_to = left.clusters.pending_bytes

    for _ in range(20):
        left.turns(1)
        right.turns(1)

    assert observed > 0
    assert 0 == dropped_to
    assert_exactly_once(log, store)


@dataclass(slots=True)
class RefusingSink(MemorySink):
    """A broker that refuses one message of the first batch and takes those behind it."""

    refused: int = 4

    def publish(self, *, results, dead_letters, progress, timeout_seconds):
        refused, self.refused = self.refused, -1
        kept = [m for index, m in enumerate(results) if index != refused]
        MemorySink.publish(
            self, results=kept, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
        )
        if refused >= 0:
            raise PublishFailed("one was refused")


def test_a_message_refused_in_the_middle_leaves_a_hole_that_is_filled(at_least_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    worker = at_least_once(log, store)
    use(worker, sink=RefusingSink(log))

    worker.drain()

    assert [0, 1, 2, 3, 5, 6, 7, 8, 9, 4, 10] == [m.offset for m in log.results[:11]]
    assert_exactly_once(log, store)


def test_answers_of_another_source_in_the_same_output_are_not_mistaken(make_worker):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    strangers = [Outgoing(Partition("other", 0), offset, None, b"{}", [], 0) for offset in range(40)]
    log.results.extend(strangers)

    make_worker(log, store).drain()

    assert 40 == sum(m.source == P0 for m in log.results)


def test_another_life_of_a_topic_starts_its_watermark_anew(make_worker):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    make_worker(log, store).drain()
    assert store.snapshot is not None
    old_life = {P0: Position(1_000, "the topic before it was deleted")}
    store.snapshot = replace(store.snapshot, revision="old", watermarks=old_life)
    log.results.clear()
    log.committed.clear()
    log.generation += 1

    make_worker(log, store).drain()

    assert 80 == store.snapshot.learned
    assert Position(40, TOPIC_ID) == store.snapshot.watermarks[P0]


def test_a_group_that_was_set_back_publishes_nothing_again_and_counts_what_it_skipped(at_least_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    at_least_once(log, store).drain()
    log.committed[P0] = 10
    log.generation += 1
    worker = at_least_once(log, store)

    worker.drain()

    assert_exactly_once(log, store)
    skipped = worker.metrics.processed.labels("already_published")._value.get()
    assert 30 == skipped


def test_a_second_group_with_the_same_output_takes_the_answers_of_the_first_for_its_own(at_least_once):
    first = MemoryLog.of("in", TEXTS)
    at_least_once(first).drain()
    second = MemoryLog(records=first.records, results=first.results, dead_letters=first.dead_letters)

    at_least_once(second).drain()

    assert 40 == len(second.results)


@dataclass(slots=True)
class ZombieSink(MemorySink):
    """Between fence and send the process is stopped for so long that a successor does all its work."""

    meanwhile: object = None
    batch: list[Outgoing] = field(default_factory=list)

    def publish(self, *, results, dead_letters, progress, timeout_seconds):
        if callable(self.meanwhile):
            meanwhile, self.meanwhile = self.meanwhile, None
            self.batch = list(results)
            meanwhile()
        MemorySink.publish(
            self, results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
        )


def test_a_zombie_stopped_between_fence_and_send_repeats_one_batch_with_the_same_ids(at_least_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    zombie = at_least_once(log, store)
    zombie.turns(2)

    def take_over() -> None:
        log.generation += 1
        at_least_once(log, store).drain()

    sink = ZombieSink(log, meanwhile=take_over)
    use(zombie, sink=sink)
    zombie.turns(5)

    assert repeated(log) == {m.offset for m in sink.batch}
    assert_repeats_have_the_same_ids(log)
    assert_counted_once(log, store)


@dataclass(slots=True)
class LateSink(MemorySink):
    """What an abandoned producer had sent becomes visible only after the ledger was read."""

    late: list[Outgoing] = field(default_factory=list)
    fails: bool = True

    def publish(self, *, results, dead_letters, progress, timeout_seconds):
        if self.fails:
            self.fails = False
            self.late = list(results)
            raise PublishFailed("no ack in time")
        MemorySink.publish(
            self, results=results, dead_letters=dead_letters, progress=progress, timeout_seconds=timeout_seconds
        )

    def recover(self, starts):
        found = MemorySink.recover(self, starts)
        self.log.results.extend(self.late)
        self.late = []
        return found


def test_what_an_abandoned_producer_sent_and_the_ledger_did_not_show_may_repeat_once(at_least_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    worker = at_least_once(log, store)
    worker.turns(1)
    use(worker, sink=LateSink(log))

    worker.drain()

    assert set(range(10)) == repeated(log)
    assert_repeats_have_the_same_ids(log)
    assert_counted_once(log, store)


def repeated(log: MemoryLog) -> set[int]:
    assert set(answers(log)) == {(p, r.offset) for p, records in log.records.items() for r in records}
    assert max(answers(log).values()) <= 2
    return {offset for (_, offset), count in answers(log).items() if count == 2}


def assert_repeats_have_the_same_ids(log: MemoryLog) -> None:
    ids = {(m.offset, msgspec.json.decode(m.value)["id"]) for m in log.results}
    assert len({offset for offset, _ in ids}) == len(ids)


def test_a_store_emptied_while_no_worker_ran_is_seeded_anew_from_what_comes(at_least_once):
    log = MemoryLog.of("in", TEXTS)
    at_least_once(log).drain()
    log.generation += 1
    for text in TEXTS[:20]:
        log.append(P0, text)
    forgetful = MemoryCentroidStore()

    at_least_once(log, forgetful).drain()

    assert {1} == set(answers(log).values())
    assert forgetful.snapshot is not None
    assert 20 == forgetful.snapshot.learned


def test_a_lost_store_comes_back_from_the_newest_copy_and_then_counts_what_the_copy_lacked(make_worker):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    worker = make_worker(log, store)
    worker.turns(3)
    copy: Snapshot | None = store.snapshot
    worker.turns(1)
    store.snapshot = None

    worker.drain()

    assert copy is not None
    assert store.snapshot is not None
    assert 1 == worker.metrics.store_losses._value.get()
    assert_exactly_once(log, store)


def test_a_pool_that_is_lost_with_all_who_filled_it_costs_its_rows_and_no_answer(at_least_once):
    log, store = MemoryLog.of("in", TEXTS), MemoryCentroidStore()
    at_least_once(log, store, seed_size=25).turns(3)
    store._pool = None  # two batches had been pooled and committed, and nobody is left who knows
    log.generation += 1

    at_least_once(log, store, seed_size=25).drain()

    assert {1} == set(answers(log).values())
    assert 20 == len(store._pool.sources)


def test_dead_letters_move_the_watermark_and_are_not_counted(make_worker):
    log, store = MemoryLog.of("in", [*TEXTS, BAD]), MemoryCentroidStore()

    make_worker(log, store).drain()

    assert store.snapshot is not None
    assert (40, Position(41, TOPIC_ID)) == (store.snapshot.learned, store.snapshot.watermarks[P0])
