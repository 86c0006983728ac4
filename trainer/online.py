"""Clusters as a worker makes them: seeded by the first texts, then learned while they arrive."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.clustering import minibatch
from worker.records import Embeddings

BATCH = 256  # texts between two steps, as between two checkpoints of a busy worker


@dataclass(frozen=True, slots=True)
class Arrived:
    """The texts that found centroids when they arrived, and the cluster each was given then."""

    rows: NDArray[np.int64]  # positions among all texts
    clusters: NDArray[np.int64]  # [rows]


def arrive(embeddings: Embeddings, *, k: int, seed_texts: int, seed: int) -> Arrived:
    """Let texts arrive in random order at one worker.

    The code is the worker's own; what is left out is Redis and the other workers.

    Args:
        embeddings: [texts, dim], rows of length 1.
        k: number of clusters, at most `seed_texts`.
        seed_texts: the first so many seed the centroids, and are given no cluster.
        seed: of the order and of the first centroids.
    """
    order = np.random.default_rng(seed).permutation(len(embeddings))
    clustering = minibatch.seed(embeddings[order[:seed_texts]], k=k, random_state=seed)
    later = order[seed_texts:]
    given = []
    for start in range(0, len(later), BATCH):
        rows = embeddings[later[start : start + BATCH]]
        ids = minibatch.assign(minibatch.restore(clustering), rows, version=1).cluster_ids
        clustering = minibatch.merge(clustering, rows, ids, half_life=None)
        given.append(ids)
    return Arrived(rows=later, clusters=np.concatenate(given))
