"""Choosing k: what clusters look like with fewer and with more of them, without asking any label."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

from textsieve.trainer.data.examples import Labels
from textsieve.worker.records import Embeddings

_SILHOUETTE_TEXTS = 5000  # all pairs are compared, once for all k: 100 MB


@dataclass(frozen=True, slots=True)
class KScores:
    """One number of clusters, mean of all runs."""

    k: int
    inertia: float  # mean squared distance to the own centroid: always falls with k
    silhouette: float  # by cosine; how much nearer texts are to their own cluster than to the next
    silhouette_std: float  # over the runs
    stability: float  # adjusted Rand index between runs on different halves of the texts; 1: always the same clusters
    nmi: float  # with the labels: only to judge the choice, it takes no part in it


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A number of clusters and why."""

    k: int
    reason: str


def score_each_k(
    embeddings: Embeddings,
    labels: Labels,
    *,
    ks: Sequence[int],
    runs: int,
    seed: int,
    tick: Callable[[int], None] = lambda _: None,
) -> list[KScores]:
    """Cluster with every k.

    Args:
        embeddings: [texts, dim], rows of length 1.
        labels: [texts]; they only judge.
        ks: numbers of clusters, each below half the number of texts.
        runs: of k-means for each, on half of the texts drawn anew; the others join the nearest centroid.
        seed: of the halves, of the first centroids and of the texts whose silhouette is taken.
        tick: told after every run how many were done now.
    """
    rng = np.random.default_rng(seed)
    count = len(embeddings)
    shown = rng.choice(count, min(_SILHOUETTE_TEXTS, count), replace=False)
    apart = _cosine_distances(embeddings[shown])
    halves = [rng.choice(count, count // 2, replace=False) for _ in range(runs)]
    tried = []
    for k in ks:
        found, inertia, silhouettes = [], [], []
        for number, half in enumerate(halves):
            model = KMeans(k, n_init=1, random_state=seed + number).fit(embeddings[half])
            clusters = model.predict(embeddings)
            found.append(clusters)
            inertia.append(-model.score(embeddings) / count)
            silhouettes.append(silhouette_score(apart, clusters[shown], metric="precomputed"))
            tick(1)
        tried.append(
            KScores(
                k=k,
                inertia=float(np.mean(inertia)),
                silhouette=float(np.mean(silhouettes)),
                silhouette_std=float(np.std(silhouettes)),
                stability=float(np.mean([adjusted_rand_score(one, other) for one, other in combinations(found, 2)])),
                nmi=float(np.mean([normalized_mutual_info_score(labels, clusters) for clusters in found])),
            )
        )
    return tried


def suggest(tried: Sequence[KScores]) -> Suggestion:
    """The k with the highest silhouette.

    Args:
        tried: by ascending k, at least two.

    Reference:
        Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, 1987.
    """
    best = max(tried, key=lambda one: one.silhouette)
    near = [one.k for one in tried if one.silhouette >= best.silhouette - best.silhouette_std]
    reason = f"the highest silhouette, {best.silhouette:.3f}"
    if len(near) > 1:
        reason += f"; {near[0]} to {near[-1]} are within its standard deviation of {best.silhouette_std:.3f}"
    if best in (tried[0], tried[-1]):
        reason += "; it stands at the end of what was tried: try further"
    return Suggestion(best.k, reason)


def _cosine_distances(embeddings: Embeddings) -> NDArray[np.float32]:
    distances: NDArray[np.float32] = np.maximum(1 - embeddings @ embeddings.T, 0)  # [texts, texts]
    np.fill_diagonal(distances, 0)
    return distances
