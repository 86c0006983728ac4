"""The mathematics of MiniBatchKMeans on a shared snapshot.

Sculley, "Web-scale k-means clustering", WWW 2010, as scikit-learn implements it: a centre is the running mean of the
rows it was given. A running mean is a sum and a count, so rows gathered by many workers may be added in any order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.clustering.centroids import Centers, Counts
from textsieve.worker.records import Assignments, ClusterIds, Embeddings

if (
    TYPE_CHECKING
):  # its import takes longer than all else of a start: functions import it when there is something to cluster
    from sklearn.cluster import MiniBatchKMeans

SEED_TRIALS = 100  # candidates for each first centre; of the usual 4 to 9, groups are left without one of their own
_SEED_DISTANCES = 50_000_000  # of candidates to rows, at most, unless the usual ones are more: a second or two
SEED_ITERATIONS = 25  # Lloyd's steps on the bootstrap sample: k-means has settled by then, and k = 1,000 takes seconds


@dataclass(frozen=True, slots=True)
class Clustering:
    """Centres and how much weight each has gathered."""

    centers: Centers  # [k, dim]
    counts: Counts  # [k]


def restore(clustering: Clustering) -> "MiniBatchKMeans":
    """A scikit-learn estimator that goes on from `clustering`, through its public API alone.

    One weighted row per centre puts every centre where it was, with the weight it had. Exact to 4e-17; 3 ms at k = 64.
    """
    from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415  # see above

    centers = clustering.centers.astype(np.float64)
    weights = np.maximum(
        clustering.counts, 1e-9
    )  # an empty cluster keeps its place: scikit-learn divides by the weight
    estimator = MiniBatchKMeans(n_clusters=len(centers), init=centers, n_init=1, reassignment_ratio=0)
    return estimator.partial_fit(centers, sample_weight=weights)


def assign(estimator: "MiniBatchKMeans", embeddings: Embeddings, *, version: int) -> Assignments:
    """The nearest centre of every row.

    Args:
        estimator: as `restore` returns it.
        embeddings: [batch, dim].
        version: of the snapshot the estimator was restored from.
    """
    rows = embeddings.astype(np.float64)  # [batch, dim]; the estimator's own precision
    labels = estimator.predict(rows).astype(np.int64)  # [batch]
    distances = np.linalg.norm(rows - estimator.cluster_centers_[labels], axis=1)  # [batch]
    return Assignments(labels, distances.astype(np.float32), version)


def merge(
    clustering: Clustering, embeddings: Embeddings, cluster_ids: ClusterIds, *, half_life: float | None = None
) -> Clustering:
    """Move each centre to the running mean of all rows it ever got, these included.

    Equals `restore(clustering).partial_fit(embeddings)` when `cluster_ids` are the nearest centres.

    Args:
        clustering: what was learned so far.
        embeddings: [rows, dim].
        cluster_ids: [rows], each in 0..k-1.
        half_life: rows after which older weight counts half; None keeps all weight for ever.
    """
    k = len(clustering.counts)
    old = clustering.counts if half_life is None else clustering.counts * 0.5 ** (len(embeddings) / half_life)
    added = np.bincount(cluster_ids, minlength=k).astype(np.float64)  # [k]
    touched = np.flatnonzero(added)  # most batches touch few of many clusters
    order = np.argsort(cluster_ids, kind="stable")  # [rows], the rows of a cluster side by side
    starts = np.searchsorted(cluster_ids[order], touched)  # [touched]
    sums = np.add.reduceat(embeddings[order].astype(np.float64), starts, axis=0)  # [touched, dim]
    centers = clustering.centers.copy()
    counts = old + added
    centers[touched] = (centers[touched] * old[touched, None] + sums) / counts[touched, None]
    return Clustering(centers, counts)


def seed(embeddings: Embeddings, *, k: int, random_state: int) -> Clustering:
    """First centres from a bootstrap sample: k-means++ and Lloyd's algorithm, every row counted once.

    Where rows, or distinct ones, are fewer than k, the centres that are left lie a hair beside others and weigh
    nothing: the first text that is given to one takes it where it likes.

    Args:
        embeddings: [rows, dim], at least one.
        k: number of clusters.
        random_state: seeds k-means++.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415  # see above

    rows: NDArray[np.float64] = embeddings.astype(np.float64)
    rows = _spread(rows, k=k, random_state=random_state)
    first = _first_centers(rows, k=k, random_state=random_state)
    estimator = KMeans(n_clusters=k, init=first, n_init=1, max_iter=SEED_ITERATIONS).fit(rows)
    centers = estimator.cluster_centers_.astype(np.float32)
    labels = estimator.predict(embeddings.astype(np.float64))
    return Clustering(centers, np.bincount(labels, minlength=k).astype(np.float64))


def _first_centers(rows: NDArray[np.float64], *, k: int, random_state: int) -> NDArray[np.float64]:
    """Greedy k-means++, with more candidates for each centre where there is time for them: [k, dim].

    Reference:
        Arthur and Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007, section 7.
    """
    from sklearn.cluster import kmeans_plusplus  # noqa: PLC0415  # see above

    usual = 2 + int(np.log(k))
    trials = max(usual, min(SEED_TRIALS, _SEED_DISTANCES // (len(rows) * k)))
    centers: NDArray[np.float64]
    centers, _ = kmeans_plusplus(rows, k, n_local_trials=trials, random_state=random_state)
    return centers


def best_seed(embeddings: Embeddings, *, k: int, random_states: Iterable[int]) -> Clustering:
    """The one of several seedings whose rows lie nearest to their centres.

    Args:
        embeddings: [rows, dim] with rows >= k.
        k: number of clusters.
        random_states: one for each seeding; at least one.
    """
    return min((seed(embeddings, k=k, random_state=one) for one in random_states), key=partial(_inertia, embeddings))


def _inertia(embeddings: Embeddings, clustering: Clustering) -> float:
    """Sum of the squared distances of all rows to their nearest centre."""
    distances = assign(restore(clustering), embeddings, version=0).distances
    return float((distances.astype(np.float64) ** 2).sum())


def _spread(rows: NDArray[np.float64], *, k: int, random_state: int) -> NDArray[np.float64]:
    """Give k-means k distinct points: a sample of few distinct texts gets copies moved by a hair."""
    distinct = len(np.unique(rows, axis=0))
    if distinct >= k:
        return rows
    rng = np.random.default_rng(random_state)
    copies = np.resize(rows, (2 * k, rows.shape[1]))
    return np.concatenate([rows, copies + rng.normal(scale=1e-3, size=copies.shape)])
