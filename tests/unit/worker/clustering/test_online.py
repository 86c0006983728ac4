"""Whatever workers observe twice, lose races for or forget, the store counts every row once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsieve.worker.clustering import minibatch
from textsieve.worker.clustering.centroids import PoolRows, Snapshot
from textsieve.worker.clustering.minibatch import Clustering
from textsieve.worker.clustering.online import MAX_ATTEMPTS, OnlineClusters
from textsieve.worker.clustering.pending import row_bytes
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.errors import StoreUnavailable
from textsieve.worker.records import NO_CLUSTER, Embeddings, Observations, Partition, Position
from textsieve.worker.testing import ManualClock, MemoryCentroidStore

K, DIM, SEED_SIZE, SEED_AFTER = 3, 4, 6, 60.0
LEFT, RIGHT = Partition("in", 0), Partition("in", 1)
LIFE = "first-life"
SPACE = ClusterSpace("model", "group", K, SEED_SIZE, SEED_AFTER)


def embedding(partition: Partition, offset: int) -> np.ndarray:
    """A row that belongs to one message, so that a repeat is the same row."""
    point = np.random.default_rng((partition.partition, offset)).standard_normal(DIM)
    return (point / np.linalg.norm(point)).astype(np.float32)


def embeddings(partition: Partition, offsets: range) -> Embeddings:
    return np.asarray([embedding(partition, offset) for offset in offsets], np.float32).reshape(-1, DIM)


def worker(store: MemoryCentroidStore, *, life: str = LIFE, start: int = 0, **space: object) -> OnlineClusters:
    clusters = OnlineClusters(store, replace(SPACE, **space), Random(1), ManualClock().advance)
    clusters.begin({LEFT: Position(start, life), RIGHT: Position(start, life)})
    return clusters


def observe(clusters: OnlineClusters, offsets: range, partition: Partition = LEFT) -> None:
    """What the loop does with a published batch."""
    rows = embeddings(partition, offsets)
    ids = clusters.assign(rows).cluster_ids
    observed = Observations([partition] * len(offsets), np.asarray(offsets, np.int64), rows, ids)
    clusters.observe(observed, {partition: offsets.stop})


def learn(clusters: OnlineClusters, offsets: range, partition: Partition = LEFT) -> None:
    observe(clusters, offsets, partition)
    clusters.learn()


def snapshot_of(store: MemoryCentroidStore) -> Snapshot:
    assert store.snapshot is not None
    assert store.snapshot.counts.sum() == store.snapshot.learned
    return store.snapshot


def learned(store: MemoryCentroidStore) -> int:
    return snapshot_of(store).learned


def watermark(store: MemoryCentroidStore, partition: Partition = LEFT) -> int:
    return snapshot_of(store).watermarks[partition].offset


def seeded() -> MemoryCentroidStore:
    """A store that has learned offsets 0..9 of the left partition."""
    store = MemoryCentroidStore()
    learn(worker(store), range(10))
    return store


@dataclass
class EventfulStore(MemoryCentroidStore):
    """A store to which something happens right before or right after a replace."""

    before: list[Callable[[], None]] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)

    def replace(self, snapshot: Snapshot, *, expected: str | None, pool_revision: str | None = None) -> bool:
        if self.before:
            self.before.pop()()
        done = MemoryCentroidStore.replace(self, snapshot, expected=expected, pool_revision=pool_revision)
        if self.after:
            self.after.pop()()
        return done


def time_out() -> None:
    raise StoreUnavailable("the answer did not come in time")


# before seeding


def test_what_is_to_be_prepared_is_so_once_before_the_first_cluster():
    prepared = []
    clusters = worker(MemoryCentroidStore())
    clusters.prepare = lambda: prepared.append(len(prepared))

    clusters.assign(embeddings(LEFT, range(3)))
    before = list(prepared)
    learn(clusters, range(10))
    learn(clusters, range(10, 20))
    clusters.assign(embeddings(LEFT, range(3)))

    assert ([], [0]) == (before, prepared)


def test_a_space_that_is_seeded_already_is_prepared_for_at_the_first_row():
    prepared = []
    clusters = worker(seeded(), start=10)
    clusters.prepare = lambda: prepared.append(True)
    clusters.watermarks()

    clusters.assign(embeddings(LEFT, range(3)))

    assert [True] == prepared


def test_before_seeding_nothing_has_a_cluster():
    assignments = worker(MemoryCentroidStore()).assign(embeddings(LEFT, range(3)))

    assert ([NO_CLUSTER] * 3, [0.0] * 3, 0) == (
        assignments.cluster_ids.tolist(),
        assignments.distances.tolist(),
        assignments.version,
    )


def test_too_few_rows_are_pooled_and_seed_nothing():
    store = MemoryCentroidStore()

    learn(worker(store), range(SEED_SIZE - 1))

    assert (None, SEED_SIZE - 1) == (store.snapshot, len(store.pool().sources))


def test_enough_rows_of_all_workers_together_seed_the_space():
    store = MemoryCentroidStore()
    learn(worker(store), range(SEED_SIZE - 2))

    learn(worker(store), range(2), RIGHT)

    assert (SEED_SIZE, SEED_SIZE - 2, 2) == (learned(store), watermark(store), watermark(store, RIGHT))
    assert (1, "model", "group", K) == (
        store.snapshot.version,
        store.snapshot.model,
        store.snapshot.group,
        len(store.snapshot.centers),
    )


def test_seeding_empties_the_pool():
    store = seeded()

    store.snapshot = None

    assert () == store.pool().sources


def test_whoever_seeds_assigns_at_once():
    clusters = worker(MemoryCentroidStore())

    learn(clusters, range(SEED_SIZE))

    assert 1 == clusters.assign(embeddings(LEFT, range(1))).version


def test_rows_that_come_while_a_worker_seeds_are_seeded_with_in_the_same_learn():
    store = EventfulStore()
    others = [
        PoolRows(((RIGHT, n),), embeddings(RIGHT, range(n, n + 1)), {RIGHT: Position(n + 1, LIFE)}) for n in (1, 0)
    ]
    store.before = [partial(store.pool, rows) for rows in others]  # the last one comes first

    learn(worker(store), range(SEED_SIZE))

    assert (SEED_SIZE + 2, SEED_SIZE, 2) == (learned(store), watermark(store), watermark(store, RIGHT))


def test_whoever_loses_the_race_to_seed_goes_on_with_the_clusters_of_the_winner():
    store = EventfulStore()
    winner, loser = worker(store), worker(store)
    store.before = [partial(learn, winner, range(2), RIGHT)]

    learn(loser, range(SEED_SIZE))

    assert store.snapshot is winner.snapshot
    assert 1 == loser.assign(embeddings(LEFT, range(1))).version


def test_a_space_that_is_emptied_while_a_worker_seeds_stays_empty():
    store = EventfulStore()
    store.before = [store.reset]

    learn(worker(store), range(SEED_SIZE))

    assert (None, ()) == (store.snapshot, store.pool().sources)


@pytest.mark.parametrize(("seconds", "expected"), [(SEED_AFTER - 1, False), (SEED_AFTER, True)])
def test_a_slow_topic_is_seeded_with_what_is_there_after_a_while(seconds, expected):
    clock = ManualClock()
    store = MemoryCentroidStore(clock)
    clusters = worker(store)
    learn(clusters, range(K))

    clock.advance(seconds)
    learn(clusters, range(K, K + 1))

    assert expected == (store.snapshot is not None)


def test_fewer_rows_than_clusters_seed_nothing_however_long_it_takes():
    clock = ManualClock()
    store = MemoryCentroidStore(clock)
    clusters = worker(store)
    learn(clusters, range(K - 2))

    clock.advance(100 * SEED_AFTER)
    learn(clusters, range(K - 2, K - 1))

    assert store.snapshot is None


@pytest.mark.parametrize(
    ("rows", "seconds", "expected"), [(100, 10, True), (100, 9, False), (99, 1000, False), (100, 1000, True)]
)
def test_a_topic_at_rest_is_seeded_with_a_hundred_texts_though_there_are_to_be_more_clusters(rows, seconds, expected):
    clock = ManualClock()
    store = MemoryCentroidStore(clock)
    clusters = worker(store, k=150, seed_size=1500, seed_idle_seconds=10.0)
    learn(clusters, range(rows))

    clock.advance(seconds)
    clusters.learn()

    assert expected == (store.snapshot is not None)


def test_of_fewer_clusters_a_topic_at_rest_needs_a_text_for_each():
    clock = ManualClock()
    store = MemoryCentroidStore(clock)
    clusters = worker(store, seed_idle_seconds=10.0)
    learn(clusters, range(K))

    clock.advance(10)
    clusters.learn()

    assert K == learned(store)


def test_a_topic_that_flows_is_not_at_rest():
    clock = ManualClock()
    store = MemoryCentroidStore(clock)
    clusters = worker(store, k=150, seed_size=1500, seed_idle_seconds=10.0)

    for start in range(0, 140, 10):
        learn(clusters, range(start, start + 10))
        clock.advance(9)

    assert store.snapshot is None


def test_after_a_topic_at_rest_was_seeded_every_text_is_counted_once_and_has_a_cluster():
    clock = ManualClock()
    store = MemoryCentroidStore(clock)
    clusters = worker(store, k=150, seed_size=1500, seed_idle_seconds=10.0)
    learn(clusters, range(100))
    clock.advance(10)
    clusters.learn()

    learn(clusters, range(100, 120))
    learn(worker(store), range(120))  # read again by somebody else

    assert (120, 120) == (learned(store), watermark(store))
    assert NO_CLUSTER not in clusters.assign(embeddings(LEFT, range(120, 140))).cluster_ids


def test_a_row_pooled_twice_is_counted_once():
    store = MemoryCentroidStore()
    learn(worker(store), range(SEED_SIZE - 1))

    learn(worker(store), range(SEED_SIZE))

    assert SEED_SIZE == learned(store)


def test_a_successor_that_repeats_pooled_rows_in_smaller_steps_does_not_count_them_twice():
    store = MemoryCentroidStore()
    learn(worker(store), range(SEED_SIZE - 1))  # pooled, but dead before the commit
    successor = worker(store)
    learn(successor, range(2))

    learn(worker(store), range(3), RIGHT)  # enough: seeds
    learn(successor, range(2, 10))

    assert 10 + 3 == learned(store)


def test_a_late_learn_of_a_zombie_does_not_lower_the_watermark_of_the_pool():
    store = MemoryCentroidStore()
    zombie, successor = worker(store), worker(store)
    observe(zombie, range(2))
    learn(successor, range(SEED_SIZE - 1))

    zombie.learn()

    assert SEED_SIZE - 1 == store.pool().watermarks[LEFT].offset


def test_another_life_of_a_topic_lowers_the_watermark_of_the_pool():
    store = MemoryCentroidStore()
    learn(worker(store), range(5))

    learn(worker(store, life="second-life"), range(2))

    assert Position(2, "second-life") == store.pool().watermarks[LEFT]


def test_the_watermark_of_the_pool_passes_dead_letters():
    store = MemoryCentroidStore()
    clusters = worker(store)
    clusters.observe(
        Observations([], np.empty(0, np.int64), np.empty((0, DIM), np.float32), np.empty(0, int)), {LEFT: 4}
    )

    clusters.learn()

    assert ((), {LEFT: Position(4, LIFE)}) == (store.pool().sources, store.pool().watermarks)


def test_rows_published_before_somebody_else_seeded_are_learned_with_a_cluster():
    store = MemoryCentroidStore()
    late = worker(store)
    observe(late, range(2), RIGHT)
    learn(worker(store), range(SEED_SIZE))
    seed = store.snapshot

    late.learn()

    rows = embeddings(RIGHT, range(2))
    ids = minibatch.assign(minibatch.restore(Clustering(seed.centers, seed.counts)), rows, version=1).cluster_ids
    expected = minibatch.merge(Clustering(seed.centers, seed.counts), rows, ids)
    assert SEED_SIZE + 2 == learned(store)
    assert expected.centers.tolist() == store.snapshot.centers.tolist()


def test_losing_the_race_to_seed_loses_no_row():
    store = EventfulStore()
    store.before.append(lambda: learn(worker(store), range(SEED_SIZE), RIGHT))
    clusters = worker(store)

    learn(clusters, range(SEED_SIZE))
    learn(clusters, range(SEED_SIZE, SEED_SIZE + 1))

    assert 2 * SEED_SIZE + 1 == learned(store)


def test_seeding_whose_outcome_is_unknown_counts_once():
    store = EventfulStore(after=[time_out])
    clusters = worker(store)
    with pytest.raises(StoreUnavailable):
        learn(clusters, range(SEED_SIZE))

    learn(clusters, range(SEED_SIZE, SEED_SIZE + 2))

    assert SEED_SIZE + 2 == learned(store)


# after seeding


def test_what_is_learned_equals_merging_the_batches_one_after_another():
    store = seeded()
    seed = store.snapshot
    clusters = worker(store, start=10)
    clusters.learn()
    batches = [range(10, 14), range(14, 30)]

    expected = Clustering(seed.centers, seed.counts)
    for offsets in batches:
        rows = embeddings(LEFT, offsets)
        expected = minibatch.merge(expected, rows, clusters.assign(rows).cluster_ids)
        observe(clusters, offsets)
    clusters.learn()

    assert expected.counts.tolist() == store.snapshot.counts.tolist()
    assert expected.centers.tolist() == store.snapshot.centers.tolist()


def test_a_learn_says_how_many_rows_were_new():
    store = seeded()
    clusters = worker(store)
    observe(clusters, range(8, 15))

    assert 5 == clusters.learn().rows


def test_rows_below_the_watermark_are_dropped():
    store = seeded()

    learn(worker(store), range(5, 13))

    assert (13, 13) == (learned(store), watermark(store))


def test_a_learn_that_is_behind_lowers_no_watermark():
    store = seeded()

    learn(worker(store), range(4))

    assert (10, 10) == (learned(store), watermark(store))


def test_a_partition_never_seen_before_is_learned_from_its_start():
    store = seeded()

    learn(worker(store), range(4), RIGHT)

    assert (14, 4) == (learned(store), watermark(store, RIGHT))


def test_another_life_of_a_topic_starts_again():
    store = seeded()

    learn(worker(store, life="second-life"), range(4))

    assert (14, Position(4, "second-life")) == (learned(store), snapshot_of(store).watermarks[LEFT])


def test_watermarks_pass_dead_letters():
    store = seeded()
    clusters = worker(store, start=10)
    rows = embeddings(LEFT, range(11, 12))

    clusters.observe(Observations([LEFT], np.asarray([11]), rows, clusters.assign(rows).cluster_ids), {LEFT: 15})
    clusters.learn()

    assert (11, 15) == (learned(store), watermark(store))


def test_learning_without_anything_new_writes_nothing():
    store = seeded()
    before = store.snapshot

    worker(store).learn()

    assert before is store.snapshot


def test_nothing_is_held_after_it_was_learned():
    clusters = worker(seeded(), start=10)
    observe(clusters, range(10, 20))
    held = clusters.pending_bytes

    clusters.learn()

    assert 10 * DIM * 4 < held
    assert (0, False) == (clusters.pending_bytes, clusters.has_pending)


def test_to_begin_again_forgets_what_was_observed():
    store = seeded()
    clusters = worker(store, start=10)
    observe(clusters, range(10, 20))

    clusters.begin({LEFT: Position(10, LIFE)})

    assert (0, False, 0) == (clusters.pending_bytes, clusters.has_pending, clusters.learn().rows)


def test_old_weight_decays_by_the_rows_that_are_new():
    store = seeded()
    before = store.snapshot

    learn(worker(store, half_life=4.0), range(6, 14))

    assert (before.learned + 4, before.counts.sum() / 2 + 4) == (
        store.snapshot.learned,
        pytest.approx(store.snapshot.counts.sum()),
    )


def test_every_write_has_the_next_version_and_another_revision():
    store = seeded()
    first = store.snapshot

    learn(worker(store), range(10, 12))

    assert first.version + 1 == store.snapshot.version
    assert first.revision != store.snapshot.revision


def test_a_lost_race_is_tried_again_and_counted():
    store = EventfulStore(snapshot=seeded().snapshot)
    store.before.append(lambda: learn(worker(store), range(3), RIGHT))
    clusters = worker(store)
    observe(clusters, range(10, 15))

    outcome = clusters.learn()

    assert (5, 1) == (outcome.rows, outcome.conflicts)
    assert 10 + 3 + 5 == learned(store)


def test_a_space_too_busy_to_write_to_is_an_absent_store_and_nothing_is_forgotten():
    store = EventfulStore(snapshot=seeded().snapshot)
    other = worker(store)
    store.before = [
        lambda: setattr(store, "snapshot", replace(store.snapshot, revision=f"{other.rng.random()}"))
    ] * MAX_ATTEMPTS
    clusters = worker(store)
    observe(clusters, range(10, 15))

    with pytest.raises(StoreUnavailable, match=f"{MAX_ATTEMPTS} races"):
        clusters.learn()

    assert 5 == clusters.learn().rows


def test_a_write_whose_outcome_is_unknown_counts_once():
    store = EventfulStore(snapshot=seeded().snapshot, after=[time_out])
    clusters = worker(store)
    with pytest.raises(StoreUnavailable):
        learn(clusters, range(10, 15))

    outcome = clusters.learn()

    assert (0, 15) == (outcome.rows, learned(store))


def test_an_absent_store_forgets_nothing():
    store = seeded()
    clusters = worker(store)
    store.away = True
    with pytest.raises(StoreUnavailable):
        learn(clusters, range(10, 15))

    store.away = False
    clusters.learn()

    assert 15 == learned(store)


def test_while_the_store_is_away_the_last_snapshot_answers():
    store = seeded()
    clusters = worker(store)
    clusters.learn()
    expected = clusters.assign(embeddings(LEFT, range(3))).cluster_ids.tolist()
    store.away = True

    assert {LEFT: Position(10, LIFE)} == clusters.watermarks()
    assert expected == clusters.assign(embeddings(LEFT, range(3))).cluster_ids.tolist()


# a store that forgets


def test_a_store_that_went_back_is_noticed_and_nothing_is_written_over_it():
    store = seeded()
    old = store.snapshot
    clusters = worker(store)
    learn(clusters, range(10, 20))
    store.snapshot = old
    observe(clusters, range(20, 25))

    outcome = clusters.learn()

    assert (True, False) == (outcome.rolled_back, outcome.restored)
    assert old is store.snapshot
    assert {LEFT: Position(10, LIFE)} == clusters.watermarks()


def test_a_store_that_lost_everything_gets_the_local_copy():
    store = seeded()
    clusters = worker(store)
    clusters.learn()
    store.snapshot = None

    outcome = clusters.learn()

    assert (True, True) == (outcome.rolled_back, outcome.restored)
    assert (10, 10) == (learned(store), watermark(store))


def test_a_loss_that_is_noticed_at_an_assignment_of_partitions_is_mended_too():
    store = seeded()
    clusters = worker(store)
    clusters.learn()
    store.snapshot = None

    marks = clusters.watermarks()

    assert {LEFT: Position(10, LIFE)} == marks
    assert 10 == learned(store)


def test_a_copy_that_could_not_be_written_back_is_kept_for_the_next_try():
    store = EventfulStore(snapshot=seeded().snapshot)
    clusters = worker(store)
    clusters.learn()
    store.snapshot = None
    store.before.append(time_out)
    with pytest.raises(StoreUnavailable):
        clusters.learn()

    clusters.learn()

    assert 10 == learned(store)


def test_of_two_workers_that_write_a_copy_back_the_second_takes_the_firsts():
    store = EventfulStore(snapshot=seeded().snapshot)
    clusters, faster = worker(store), worker(store)
    clusters.learn()
    faster.learn()
    store.snapshot = None
    store.before.append(faster.learn)
    observe(clusters, range(10, 12))

    clusters.learn()

    assert (12, 12) == (learned(store), watermark(store))


def test_a_space_emptied_on_purpose_is_not_restored():
    store = seeded()
    clusters = worker(store)
    clusters.learn()
    store.reset()

    outcome = clusters.learn()

    assert (True, False, None) == (outcome.rolled_back, outcome.restored, store.snapshot)
    assert {} == clusters.watermarks()


def test_a_space_emptied_on_purpose_is_seeded_anew():
    store = seeded()
    store.reset()

    learn(worker(store), range(10, 10 + SEED_SIZE))

    assert SEED_SIZE == learned(store)


# a store that is away for long

ROW = row_bytes(DIM)
ROOM = 10  # rows that a worker may keep


def bounded(store: MemoryCentroidStore, *, start: int = 0) -> OnlineClusters:
    clusters = OnlineClusters(store, SPACE, Random(1), ManualClock().advance, max_pending_bytes=ROOM * ROW)
    clusters.watermarks()
    clusters.begin({LEFT: Position(start, LIFE), RIGHT: Position(0, LIFE)})
    return clusters


def observe_all(clusters: OnlineClusters, offsets: range, partition: Partition = LEFT) -> int:
    """In batches of two; how many were given up."""
    batches = [range(first, first + 2) for first in range(offsets.start, offsets.stop, 2)]
    given_up = 0
    for batch in batches:
        rows = embeddings(partition, batch)
        ids = clusters.assign(rows).cluster_ids
        observed = Observations([partition] * len(batch), np.asarray(batch, np.int64), rows, ids)
        given_up += clusters.observe(observed, {partition: batch.stop})
    return given_up


def test_results_beyond_the_bound_are_given_up_the_oldest_first_and_the_rest_is_learned():
    store = seeded()
    clusters = bounded(store, start=10)
    store.away = True
    given_up = observe_all(clusters, range(10, 40))
    held = clusters.pending_bytes

    store.away = False
    outcome = clusters.learn()

    assert (20, ROOM, ROOM * ROW) == (given_up, outcome.rows, held)
    assert (40 - given_up, 40, False) == (learned(store), watermark(store), outcome.rolled_back)


def test_before_seeding_too():
    store = MemoryCentroidStore(away=True)
    clusters = bounded(store)
    given_up = observe_all(clusters, range(30))

    store.away = False
    clusters.learn()

    assert (20, 10, 30) == (given_up, learned(store), watermark(store))


def test_a_batch_larger_than_the_bound_is_kept():
    store = seeded()
    clusters = bounded(store, start=10)

    observe(clusters, range(10, 10 + 2 * ROOM))

    assert 2 * ROOM == clusters.learn().rows


def test_rows_that_the_store_knew_already_are_not_given_up_but_learned():
    store = seeded()
    clusters = bounded(store)
    clusters.learn()
    store.away = True

    given_up = observe_all(clusters, range(30))

    assert 30 - 10 - ROOM == given_up


def test_what_was_given_up_is_not_asked_for_when_partitions_are_assigned_again():
    store = seeded()
    clusters = bounded(store, start=10)
    clusters.learn()
    store.away = True
    observe_all(clusters, range(10, 40))

    marks = clusters.watermarks()
    again = clusters.begin({LEFT: marks[LEFT]})

    assert (Position(30, LIFE), 0) == (marks[LEFT], again)


def test_what_was_given_up_and_is_read_again_is_not_learned():
    store = seeded()
    clusters = bounded(store, start=10)
    clusters.learn()
    store.away = True
    given_up = observe_all(clusters, range(10, 40))
    store.away = False
    clusters.watermarks()
    clusters.begin({LEFT: Position(10, LIFE)})

    again = 0
    for first in range(10, 40, 4):
        again += observe_all(clusters, range(first, min(first + 4, 40)))
        clusters.learn()

    assert (20, 0, 40 - 20) == (given_up, again, learned(store))


def test_a_stream_that_starts_behind_the_watermark_gives_up_what_lies_between_and_counts_it_once():
    store = seeded()
    clusters = bounded(store)
    clusters.watermarks()

    counts = [clusters.begin({LEFT: Position(start, LIFE)}) for start in (25, 25, 30)]
    observe(clusters, range(30, 32))
    outcome = clusters.learn()

    assert ([15, 0, 5], False) == (counts, outcome.rolled_back)
    assert (12, 32) == (learned(store), watermark(store))


def test_a_gap_is_told_to_the_store_even_if_no_message_comes():
    store = seeded()
    clusters = bounded(store)
    clusters.watermarks()
    clusters.begin({LEFT: Position(25, LIFE)})

    clusters.learn()

    assert (10, 25) == (learned(store), watermark(store))


def test_a_stream_that_began_without_the_store_gives_nothing_up_before_it_has_asked():
    store = seeded()
    store.away = True
    clusters = bounded(store, start=30)
    given_up = observe_all(clusters, range(30, 50))

    store.away = False
    outcome = clusters.learn()
    clusters.watermarks()
    given_up += clusters.begin({LEFT: Position(45, LIFE)})
    observe(clusters, range(45, 50))
    clusters.learn()

    assert outcome.rolled_back
    assert (35, 15, 50) == (given_up, learned(store), watermark(store))


lives = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["learn", "away", "back", "begin", "die"]), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(lives)
def test_whatever_happens_what_is_learned_and_what_is_given_up_are_all_results(history):
    """A worker alone on a partition, whose offsets are committed with its results and which reads back so far only."""
    store, committed, given_up = MemoryCentroidStore(), 0, 0
    lost = False  # a worker died with what it knew: the next one may count again what was given up, or was learned
    told = 0  # of what was given up, what the store knows of

    def begin(clusters: OnlineClusters) -> int:
        mark = clusters.watermarks().get(LEFT, Position(0, LIFE))
        start = max(min(mark.offset, committed), committed - ROOM)
        counted = clusters.begin({LEFT: Position(start, LIFE)})
        return counted + (observe_all(clusters, range(start, committed)) if start < committed else 0)

    def fresh() -> OnlineClusters:
        return OnlineClusters(store, SPACE, Random(1), ManualClock().advance, max_pending_bytes=ROOM * ROW)

    clusters = fresh()
    given_up += begin(clusters)
    for action, count in [*history, ("back", 0), ("learn", 0), ("learn", 0), ("work", 3), ("work", 3), ("learn", 0)]:
        if action == "work":
            given_up += observe_all(clusters, range(committed, committed + 2 * count))
            committed += 2 * count
        elif action in ("away", "back"):
            store.away = action == "away"
        elif action == "learn":
            with suppress(StoreUnavailable):
                while clusters.learn().rolled_back:
                    given_up += begin(clusters)
                told = given_up
        else:
            lost = lost or (action == "die" and (store.away or told < given_up))
            clusters = fresh() if action == "die" else clusters
            given_up += begin(clusters)

    assert committed == watermark(store)
    assert learned(store) + given_up >= committed
    assert lost or learned(store) + given_up == committed


def test_what_the_pool_has_confirmed_is_remembered_while_the_store_is_away():
    store = MemoryCentroidStore()
    clusters = bounded(store)
    learn(clusters, range(SEED_SIZE - 2))
    store.away = True

    assert Position(SEED_SIZE - 2, LIFE) == clusters.watermarks()[LEFT]


# any history

GROUP_SEED_SIZE = 16  # rows: late enough for things to happen before

steps = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 1), st.integers(1, 4)),
        st.tuples(st.just("checkpoint"), st.integers(0, 1)),
        st.tuples(st.just("learn_and_die"), st.integers(0, 1)),
        st.tuples(st.just("die"), st.integers(0, 1)),
        st.tuples(st.just("move"), st.sampled_from([LEFT, RIGHT])),
        st.tuples(st.sampled_from(["lose_answer", "save", "go_back"])),
    ),
    max_size=40,
)


@dataclass
class Group:
    """Two workers of a group; a partition may move while its old owner does not know it yet."""

    store: EventfulStore = field(default_factory=EventfulStore)
    committed: dict[Partition, int] = field(default_factory=lambda: {LEFT: 0, RIGHT: 0})
    owner: dict[Partition, int] = field(default_factory=lambda: {LEFT: 0, RIGHT: 1})

    def __post_init__(self) -> None:
        self.saved = None, None
        self.members = [self.newborn(), self.newborn()]
        self.positions: list[dict[Partition, int]] = [{}, {}]
        for member in (0, 1):
            self.begin(member)

    def newborn(self) -> OnlineClusters:
        return worker(self.store, seed_size=GROUP_SEED_SIZE)

    def begin(self, member: int) -> None:
        marks = self.members[member].watermarks()
        starts = {
            partition: min(self.committed[partition], marks[partition].offset if partition in marks else 2**62)
            for partition, owner in self.owner.items()
            if owner == member
        }
        self.members[member].begin({partition: Position(start, LIFE) for partition, start in starts.items()})
        self.positions[member] = starts

    def is_current(self, member: int) -> bool:
        return set(self.positions[member]) == {p for p, owner in self.owner.items() if owner == member}

    def work(self, member: int, count: int) -> None:
        """Every third message is a dead letter."""
        if not self.is_current(member):  # the fence refuses
            self.begin(member)
        for partition, start in self.positions[member].items():
            offsets = [offset for offset in range(start, start + count) if offset % 3]
            rows = np.asarray([embedding(partition, offset) for offset in offsets], np.float32).reshape(-1, DIM)
            ids = self.members[member].assign(rows).cluster_ids
            observed = Observations([partition] * len(offsets), np.asarray(offsets, np.int64), rows, ids)
            self.members[member].observe(observed, {partition: start + count})
            self.positions[member][partition] = start + count

    def learn(self, member: int) -> bool:
        try:
            return not self.members[member].learn().rolled_back
        except StoreUnavailable:
            return False

    def checkpoint(self, member: int) -> None:
        """A member that lost a partition may still learn what it published; its commit is refused."""
        if self.learn(member) and self.is_current(member):
            self.committed |= self.positions[member]
        else:
            self.begin(member)

    def learn_and_die(self, member: int) -> None:
        self.learn(member)
        self.die(member)

    def die(self, member: int) -> None:
        self.members[member] = self.newborn()
        self.begin(member)

    def move(self, partition: Partition) -> None:
        self.owner[partition] = 1 - self.owner[partition]
        self.begin(self.owner[partition])

    def lose_answer(self) -> None:
        self.store.after = [time_out]

    def save(self) -> None:
        """What a restart brings back, until the next save."""
        self.saved = self.store.snapshot, self.store._pool

    def go_back(self) -> None:
        """A store that kept nothing at all of a partition is another matter."""
        snapshot, pool = self.saved
        kept = (snapshot or pool).watermarks if snapshot or pool else {}
        if all(partition in kept for partition, end in self.committed.items() if end):
            self.store.snapshot, self.store._pool = self.saved


@settings(max_examples=200)
@given(steps)
def test_every_row_is_counted_once_whatever_two_workers_go_through(history):
    group = Group()

    for name, *arguments in history:
        getattr(group, name)(*arguments)
    group.store.after = []
    for member in (0, 1):
        group.begin(member)
        group.work(member, 2 * GROUP_SEED_SIZE)
        group.checkpoint(member)

    results = sum(1 for end in group.committed.values() for offset in range(end) if offset % 3)
    assert results == learned(group.store)
    assert group.committed == {partition: mark.offset for partition, mark in group.store.snapshot.watermarks.items()}
