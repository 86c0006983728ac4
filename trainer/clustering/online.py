"""Clusters as a worker makes them: seeded by the first texts, then learned while they arrive."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.clustering import minibatch
from textsieve.worker.records import Embeddings

BATCH = 256  # texts between two steps, as between two checkpoints of a busy worker


@dataclass(frozen=True, slots=True)
class Stream:
    """How texts arrive, and what the worker's settings say."""

    seed_texts: int  # the first so many seed the centroids, and are given no cluster
    topics: NDArray[np.str_] | None = None  # [texts]; texts of a topic arrive together, instead of mixed
    half_life: float | None = None  # texts after which older ones weigh half; None never forgets
    seed_from_all: bool = False  # the first texts are of all topics, as where `trainer seed` was given them

    def order(self, count: int, *, seed: int) -> NDArray[np.int64]:
        """The positions of `count` texts as they arrive; the seed mixes topics, and texts within."""
        mixed = np.random.default_rng(seed).permutation(count)
        if self.topics is None:
            return mixed
        given, rest = np.split(mixed, [self.seed_texts if self.seed_from_all else 0])
        _, first, numbers = np.unique(self.topics[rest], return_index=True, return_inverse=True)
        return np.concatenate([given, rest[np.argsort(first[numbers], kind="stable")]])  # topics as they first came


@dataclass(frozen=True, slots=True)
class ClusterAssignments:
    """The texts that found centroids when they arrived, and the cluster each was given then."""

    rows: NDArray[np.int64]  # positions among all texts
    clusters: NDArray[np.int64]  # [rows]


def cluster_online(embeddings: Embeddings, *, k: int, stream: Stream, seed: int) -> ClusterAssignments:
    """Let texts arrive at one worker.

    The code is the worker's own; what is left out is Redis and the other workers.

    Args:
        embeddings: [texts, dim], rows of length 1.
        k: number of clusters, at most as many as texts seed them.
        stream: how.
        seed: of the order and of the first centroids.
    """
    order = stream.order(len(embeddings), seed=seed)
    clustering = minibatch.seed(embeddings[order[: stream.seed_texts]], k=k, random_state=seed)
    later = order[stream.seed_texts :]
    given = []
    for start in range(0, len(later), BATCH):
        rows = embeddings[later[start : start + BATCH]]
        ids = minibatch.assign(minibatch.restore(clustering), rows, version=1).cluster_ids
        clustering = minibatch.merge(clustering, rows, ids, half_life=stream.half_life)
        given.append(ids)
    return ClusterAssignments(rows=later, clusters=np.concatenate(given))
