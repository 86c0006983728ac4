"""Given centroids make a space that workers go on with as with one of their own."""

from dataclasses import dataclass, field, replace
from random import Random

import numpy as np
import pytest

from textsieve.trainer.clustering.seeding import seed_space
from textsieve.worker.clustering.centroids import PoolRows
from textsieve.worker.clustering.minibatch import Clustering
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.records import Observations, Partition, Position
from textsieve.worker.testing import ManualClock, MemoryCentroidStore

SPACE = ClusterSpace("model", "group", 3, 6, 60.0)
GIVEN = Clustering(np.eye(4, dtype=np.float32)[:3], np.asarray([10.0, 20.0, 30.0]))
IN = Partition("in", 0)
ROWS = GIVEN.centers[[0, 0, 2]]
POOLED = PoolRows(tuple((IN, offset) for offset in range(3)), ROWS, {IN: Position(4, "life")})


def worker(store, *, start=0):
    clusters = OnlineClusters(store, SPACE, Random(1), ManualClock().advance)
    clusters.watermarks()
    clusters.begin({IN: Position(start, "life")})
    return clusters


def observe(clusters, offsets):
    rows = GIVEN.centers[[offset % 3 for offset in offsets]]
    ids = clusters.assign(rows).cluster_ids
    clusters.observe(Observations([IN] * len(rows), np.asarray(offsets, np.int64), rows, ids), {IN: offsets.stop})


def test_an_empty_space_gets_the_centroids_and_nothing_counts_as_learned():
    store = MemoryCentroidStore()

    seed_space(store, SPACE, GIVEN, rng=Random(1))

    found = store.load()
    assert (0, 1, "model", "group", {}) == (found.learned, found.version, found.model, found.group, found.watermarks)
    np.testing.assert_array_equal(GIVEN.centers, found.centers)
    assert GIVEN.counts.tolist() == found.counts.tolist()


def test_a_worker_assigns_from_its_first_message_and_learns_on():
    store = MemoryCentroidStore()
    seed_space(store, SPACE, GIVEN, rng=Random(1))
    clusters = worker(store)

    observe(clusters, range(6))
    clusters.learn()

    assert [0, 1, 2] == clusters.assign(GIVEN.centers).cluster_ids.tolist()
    found = store.load()
    assert (6, 66.0, {IN: Position(6, "life")}) == (found.learned, found.counts.sum(), found.watermarks)


def test_what_workers_have_pooled_is_learned_by_the_same_write():
    store = MemoryCentroidStore()
    store.pool(POOLED)

    seed_space(store, SPACE, GIVEN, rng=Random(1))

    found = store.load()
    assert (3, [12.0, 20.0, 31.0]) == (found.learned, found.counts.tolist())
    assert {IN: Position(4, "life")} == found.watermarks
    assert store.pool() is None


def test_a_worker_that_had_pooled_goes_on_without_reading_again():
    store = MemoryCentroidStore()
    clusters = worker(store)
    observe(clusters, range(3))
    clusters.learn()

    seed_space(store, SPACE, GIVEN, rng=Random(1))
    observe(clusters, range(3, 6))
    learned = clusters.learn()

    assert (3, False, 6) == (learned.rows, learned.rolled_back, store.load().learned)


def test_a_space_with_centroids_is_refused_and_stays():
    store = MemoryCentroidStore()
    first = seed_space(store, SPACE, GIVEN, rng=Random(1))

    with pytest.raises(ConfigurationError, match=r"expected a space without centroids.*--replace"):
        seed_space(store, SPACE, GIVEN, rng=Random(2))

    assert first.revision == store.load().revision


def test_after_a_reset_a_running_worker_forgets_what_it_had_assigned_and_reads_again():
    store = MemoryCentroidStore()
    seed_space(store, SPACE, GIVEN, rng=Random(1))
    clusters = worker(store)
    observe(clusters, range(6))
    clusters.learn()
    observe(clusters, range(6, 9))  # assigned to centroids that will be gone

    store.reset()
    seed_space(store, SPACE, replace(GIVEN, centers=GIVEN.centers[::-1].copy()), rng=Random(2))

    assert clusters.learn().rolled_back
    clusters.watermarks()
    clusters.begin({IN: Position(6, "life")})
    observe(clusters, range(6, 9))
    assert 3 == clusters.learn().rows
    assert (3, [11.0, 21.0, 31.0]) == (store.load().learned, store.load().counts.tolist())


@dataclass
class RacingStore(MemoryCentroidStore):
    """Others pool right before a replace."""

    races: list[PoolRows] = field(default_factory=list)

    def replace(self, snapshot, *, expected, pool_revision=None):
        if self.races:
            self.pool(self.races.pop())
        return super().replace(snapshot, expected=expected, pool_revision=pool_revision)


def test_rows_that_are_pooled_at_the_last_moment_are_not_lost():
    store = RacingStore(races=[POOLED])

    seed_space(store, SPACE, GIVEN, rng=Random(1))

    assert 3 == store.load().learned


def test_races_lost_again_and_again_are_said():
    store = RacingStore(races=[replace(POOLED, watermarks={IN: Position(4 + n, "life")}) for n in range(40)])

    with pytest.raises(StoreUnavailable, match="races against workers"):
        seed_space(store, SPACE, GIVEN, rng=Random(1))
