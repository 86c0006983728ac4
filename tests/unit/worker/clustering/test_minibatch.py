"""The mathematics agrees with scikit-learn, and adding commutes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import MiniBatchKMeans

from textsieve.worker.clustering.minibatch import Clustering, assign, best_seed, merge, restore, seed
from textsieve.worker.records import Embeddings

K, DIM = 5, 8
FLOAT32 = 1e-6  # a few units in the last place of a coordinate below 1

random_states = st.integers(min_value=0, max_value=2**32 - 1)
quickly = settings(max_examples=25)  # each example fits an estimator


def unit_rows(rng: np.random.Generator, rows: int) -> Embeddings:
    points = rng.standard_normal((rows, DIM))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def clustering(rng: np.random.Generator, *, heaviest: float = 1e6) -> Clustering:
    return Clustering(unit_rows(rng, K), np.floor(rng.uniform(1, heaviest, K)))


@quickly
@given(random_states)
def test_a_restored_estimator_stands_where_the_centres_stood(random_state):
    stored = clustering(np.random.default_rng(random_state), heaviest=1e12)

    estimator = restore(stored)

    assert np.abs(estimator.cluster_centers_ - stored.centers).max() <= 1e-15


@quickly
@given(random_states)
def test_merging_equals_partial_fit_from_the_same_centres(random_state):
    rng = np.random.default_rng(random_state)
    ours = clustering(rng, heaviest=100)
    start = ours.centers.astype(np.float64)
    theirs = MiniBatchKMeans(n_clusters=K, init=start, n_init=1, reassignment_ratio=0)
    theirs.partial_fit(start, sample_weight=ours.counts)

    for size in (1, 40, 7):
        rows = unit_rows(rng, size)
        ours = merge(ours, rows, assign(restore(ours), rows, version=1).cluster_ids)
        theirs.partial_fit(rows.astype(np.float64))

    np.testing.assert_allclose(theirs.cluster_centers_, ours.centers, atol=FLOAT32)


@quickly
@given(random_states)
def test_workers_commute(random_state):
    rng = np.random.default_rng(random_state)
    start = clustering(rng, heaviest=100)
    left, right = unit_rows(rng, 30), unit_rows(rng, 20)
    left_ids, right_ids = rng.integers(K, size=30), rng.integers(K, size=20)

    one = merge(merge(start, left, left_ids), right, right_ids)
    other = merge(merge(start, right, right_ids), left, left_ids)

    assert one.counts.tolist() == other.counts.tolist()
    np.testing.assert_allclose(one.centers, other.centers, atol=FLOAT32)


def test_a_centre_is_the_mean_of_all_rows_it_ever_got():
    rng = np.random.default_rng(1)
    rows = unit_rows(rng, 60)

    merged = Clustering(unit_rows(rng, 2), np.zeros(2))
    for batch in np.split(rows, 6):
        merged = merge(merged, batch, np.zeros(10, np.int64))

    np.testing.assert_allclose(rows.astype(np.float64).mean(axis=0), merged.centers[0], atol=FLOAT32)


def test_rows_are_counted_where_they_belong_and_other_centres_stand_still():
    start = clustering(np.random.default_rng(2))

    merged = merge(start, unit_rows(np.random.default_rng(3), 4), np.asarray([1, 1, 3, 1]))

    assert [0, 3, 0, 1, 0] == (merged.counts - start.counts).tolist()
    assert start.centers[[0, 2, 4]].tolist() == merged.centers[[0, 2, 4]].tolist()


def test_merging_changes_nothing_that_was_handed_in():
    start = clustering(np.random.default_rng(4))
    before = start.centers.tolist(), start.counts.tolist()

    merge(start, unit_rows(np.random.default_rng(5), 10), np.arange(10) % K, half_life=5.0)

    assert before == (start.centers.tolist(), start.counts.tolist())


def test_counts_go_on_where_float32_would_stand_still():
    start = Clustering(np.eye(2, dtype=np.float32), np.asarray([2.0**24, 2.0**53 - 2]))

    merged = merge(start, np.eye(2, dtype=np.float32), np.asarray([0, 1]))

    assert [2**24 + 1, 2**53 - 1] == merged.counts.tolist()


def test_no_rows_change_nothing():
    start = clustering(np.random.default_rng(6))

    merged = merge(start, np.empty((0, DIM), np.float32), np.empty(0, np.int64), half_life=10.0)

    assert (start.centers.tolist(), start.counts.tolist()) == (merged.centers.tolist(), merged.counts.tolist())


def test_after_a_half_life_older_weight_counts_half():
    start = Clustering(np.eye(2, dtype=np.float32), np.asarray([80.0, 40.0]))

    merged = merge(start, np.repeat(start.centers[:1], 20, axis=0), np.zeros(20, np.int64), half_life=20.0)

    assert [80 / 2 + 20, 40 / 2] == merged.counts.tolist()


def test_after_a_half_life_a_centre_moves_as_if_it_had_half_the_rows():
    start = Clustering(np.asarray([[1.0, 0.0], [-1.0, 0.0]], np.float32), np.asarray([20.0, 20.0]))

    merged = merge(start, np.asarray([[0.0, 1.0]] * 10, np.float32), np.zeros(10, np.int64), half_life=10.0)

    np.testing.assert_allclose([0.5, 0.5], merged.centers[0], atol=FLOAT32)


@given(st.lists(st.integers(min_value=1, max_value=20), min_size=1, max_size=8))
def test_decay_depends_on_the_rows_and_not_on_how_they_were_cut(sizes):
    merged = Clustering(np.eye(2, dtype=np.float32), np.asarray([1000.0, 1000.0]))

    for size in sizes:
        merged = merge(merged, np.zeros((size, 2), np.float32), np.zeros(size, np.int64), half_life=50.0)

    assert 1000 * 0.5 ** (sum(sizes) / 50) == pytest.approx(merged.counts[1])


def test_an_empty_cluster_keeps_its_place_and_can_be_chosen():
    stored = Clustering(np.eye(3, dtype=np.float32), np.asarray([10.0, 0.0, 5.0]))

    assignments = assign(restore(stored), np.eye(3, dtype=np.float32), version=1)

    assert [0, 1, 2] == assignments.cluster_ids.tolist()


def test_the_first_row_of_an_empty_cluster_becomes_its_centre():
    stored = Clustering(np.eye(2, dtype=np.float32), np.asarray([10.0, 0.0]))
    row = np.asarray([[0.6, 0.8]], np.float32)

    merged = merge(stored, row, np.asarray([1]))

    assert row[0].tolist() == merged.centers[1].tolist()


def test_identical_centres_keep_their_own_counts():
    stored = Clustering(np.ones((3, 2), np.float32), np.asarray([5.0, 7.0, 9.0]))
    rows = np.ones((4, 2), np.float32)

    merged = merge(stored, rows, assign(restore(stored), rows, version=1).cluster_ids)

    assert [0.0, 0.0, 4.0] == sorted((merged.counts - stored.counts).tolist())
    assert stored.centers.tolist() == merged.centers.tolist()


@quickly
@given(random_states)
def test_a_row_goes_to_the_nearest_centre_with_its_distance(random_state):
    rng = np.random.default_rng(random_state)
    stored, rows = clustering(rng), unit_rows(rng, 20)

    assignments = assign(restore(stored), rows, version=9)

    distances = np.linalg.norm(rows[:, None].astype(np.float64) - stored.centers[None], axis=2)  # [rows, k]
    assert distances.argmin(axis=1).tolist() == assignments.cluster_ids.tolist()
    np.testing.assert_allclose(distances.min(axis=1), assignments.distances, atol=FLOAT32)
    assert 9 == assignments.version


@quickly
@given(random_states, st.integers(min_value=K, max_value=80))
def test_seeding_counts_every_row_once(random_state, rows):
    sample = unit_rows(np.random.default_rng(random_state), rows)

    seeded = seed(sample, k=K, random_state=random_state)

    assert (rows, (K, DIM)) == (seeded.counts.sum(), seeded.centers.shape)


def test_seeding_finds_groups_that_are_there():
    groups = np.repeat(np.eye(3, dtype=np.float32), [10, 20, 30], axis=0)

    seeded = seed(groups, k=3, random_state=0)

    order = np.argsort(seeded.counts)
    assert [10, 20, 30] == seeded.counts[order].tolist()
    np.testing.assert_allclose(np.eye(3), seeded.centers[order], atol=FLOAT32)


@pytest.mark.parametrize("sample", range(6))
def test_no_group_that_stands_apart_shares_its_centre(sample):
    noise = np.random.default_rng(sample).normal(scale=0.1, size=(240, 12))
    groups = (np.repeat(np.eye(12), 20, axis=0) + noise).astype(np.float32)

    seeded = seed(groups, k=12, random_state=0)

    assert [20.0] * 12 == seeded.counts.tolist()


def test_seeding_is_the_same_for_the_same_sample_and_random_state():
    sample = unit_rows(np.random.default_rng(7), 50)

    one, other = (seed(sample, k=K, random_state=3) for _ in range(2))

    assert (one.centers.tolist(), one.counts.tolist()) == (other.centers.tolist(), other.counts.tolist())


@pytest.mark.parametrize("distinct", range(1, K + 1))
def test_a_sample_of_few_distinct_rows_still_gives_k_different_centres(distinct):
    sample = np.resize(unit_rows(np.random.default_rng(8), distinct), (40, DIM))

    seeded = seed(sample, k=K, random_state=0)

    assert (40, K) == (seeded.counts.sum(), len(np.unique(seeded.centers, axis=0)))


def test_a_clustering_seeded_from_one_text_learns_others():
    seeded = seed(np.resize(unit_rows(np.random.default_rng(9), 1), (40, DIM)), k=K, random_state=0)
    rows = unit_rows(np.random.default_rng(10), 100)

    merged = merge(seeded, rows, assign(restore(seeded), rows, version=1).cluster_ids)

    assert 140 == merged.counts.sum()
    assert len(set(assign(restore(merged), rows, version=2).cluster_ids.tolist())) > 1


def test_the_best_of_several_seedings_lies_nearest_to_its_rows():
    rows = unit_rows(np.random.default_rng(11), 60)

    def inertia(clustering):
        return float((assign(restore(clustering), rows, version=1).distances ** 2).sum())

    best = best_seed(rows, k=K, random_states=range(5))

    assert min(inertia(seed(rows, k=K, random_state=one)) for one in range(5)) == inertia(best)
