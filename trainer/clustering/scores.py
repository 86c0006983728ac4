"""How well the clusters of an embedding match labels that took no part in making them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import (
    adjusted_rand_score,
    confusion_matrix,
    normalized_mutual_info_score,
    silhouette_score,
)

from textsieve.trainer.clustering.online import ClusterAssignments, Stream, cluster_online
from textsieve.trainer.data.examples import Labels
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ClusterSettings

Method = Literal["kmeans", "minibatch", "online", "dec"]

_BATCH = 1024  # texts of a step of MiniBatchKMeans: its default, said here because results depend on it
_SILHOUETTE_TEXTS = 5000  # all pairs are compared: more texts take memory and say the same


@dataclass(frozen=True, slots=True)
class ClusterScores:
    """One run; 1 is perfect in all of them."""

    method: Method
    seed: int
    judged: int  # texts
    nmi: float  # normalised mutual information
    ari: float  # adjusted Rand index; 0 is chance
    accuracy: float  # under the best one-to-one match of clusters and labels
    silhouette: float  # by cosine; knows no labels


def score_clusters(
    embeddings: Embeddings,
    labels: Labels,
    *,
    k: int,
    method: Method,
    seeds: Sequence[int],
    stream: Stream | None = None,
) -> list[ClusterScores]:
    """Cluster once for each seed and compare with the labels.

    Args:
        embeddings: [texts, dim], rows of length 1.
        labels: [texts], exclusive.
        k: number of clusters, below the number of texts.
        method: whose clusters; those of `online` are judged on the texts after the first ones.
        seeds: of the first centroids, and of the order of a stream.
        stream: of `online`, mixed and with the worker's defaults if None. Other methods see all texts at once, and are
            judged on those that `online` is judged on; on all if None.
    """
    scores = []
    for seed in seeds:
        if method == "online":
            given = cluster_online(embeddings, k=k, stream=stream or Stream(default_seed_texts(k)), seed=seed)
        else:
            rows = np.arange(len(embeddings))
            judged = rows if stream is None else stream.order(len(rows), seed=seed)[stream.seed_texts :]
            given = ClusterAssignments(rows=judged, clusters=_at_once(embeddings, k, method, seed)[judged])
        scores.append(score(embeddings, labels, given, method=method, seed=seed))
    return scores


def default_seed_texts(k: int) -> int:
    """How many texts a worker gathers before it seeds, as its settings say."""
    return ClusterSettings.model_validate({"k": k}).seed_size


def _at_once(embeddings: Embeddings, k: int, method: Method, seed: int) -> NDArray[np.int64]:
    model = (
        KMeans(k, n_init=1, random_state=seed)
        if method == "kmeans"
        else MiniBatchKMeans(k, n_init=1, batch_size=_BATCH, random_state=seed)
    )
    clusters: NDArray[np.int64] = model.fit_predict(embeddings).astype(np.int64)
    return clusters


def score(
    embeddings: Embeddings, labels: Labels, given: ClusterAssignments, *, method: Method, seed: int
) -> ClusterScores:
    """Compare clusters with labels.

    Args:
        embeddings: [texts, dim], rows of length 1: what the silhouette is of.
        labels: [texts], exclusive.
        given: the clusters of some of the texts.
        method: that made them.
        seed: that made them, and of the sample that the silhouette is taken from.
    """
    true = labels[given.rows]
    return ClusterScores(
        method=method,
        seed=seed,
        judged=len(given.rows),
        nmi=float(normalized_mutual_info_score(true, given.clusters)),
        ari=float(adjusted_rand_score(true, given.clusters)),
        accuracy=matched_accuracy(true, given.clusters),
        silhouette=_silhouette(embeddings[given.rows], given.clusters, seed=seed),
    )


def _silhouette(embeddings: Embeddings, clusters: NDArray[np.int64], *, seed: int) -> float:
    """By cosine; 0 where one cluster has all texts, or each text its own."""
    count = len(clusters)
    if not 1 < len(np.unique(clusters)) < count:
        return 0.0
    sample = min(_SILHOUETTE_TEXTS, count)
    return float(silhouette_score(embeddings, clusters, metric="cosine", sample_size=sample, random_state=seed))


def matched_accuracy(labels: Labels, clusters: NDArray[np.integer]) -> float:
    """The share of texts whose cluster is the one matched to their label, no label or cluster matched twice.

    Reference:
        Kuhn, The Hungarian method for the assignment problem, 1955; as used by Xie et al., ICML 2016.
    """
    _, numbers = np.unique(labels, return_inverse=True)
    counts = confusion_matrix(numbers, clusters)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / len(labels))
