"""The first centroids of a space: when there are rows enough, and what is made of them."""

from textsieve.worker.clustering import minibatch
from textsieve.worker.clustering.centroids import SeedPool, Snapshot
from textsieve.worker.clustering.minibatch import Clustering
from textsieve.worker.clustering.space import ClusterSpace

LEAST_SEED_ROWS = 100  # of a topic that has come to rest: docs/decisions/0039-a-topic-at-rest-is-seeded.md


def is_ready_to_seed(pool: SeedPool, space: ClusterSpace) -> bool:
    """Whether the pool has rows enough, or has waited long enough."""
    rows = len(pool.sources)
    if rows >= space.k and (rows >= space.seed_size or pool.age_seconds >= space.seed_after_seconds):
        return True
    return rows >= min(space.k, LEAST_SEED_ROWS) and pool.idle_seconds >= space.seed_idle_seconds


def seeded_snapshot(pool: SeedPool, space: ClusterSpace, *, revision: str, random_state: int) -> Snapshot:
    """The first snapshot of a space, by k-means++ over the rows of the pool."""
    clustering = minibatch.seed(pool.embeddings, k=space.k, random_state=random_state)
    return first_snapshot(clustering, pool, space, revision=revision)


def first_snapshot(clustering: Clustering, pool: SeedPool, space: ClusterSpace, *, revision: str) -> Snapshot:
    """The first snapshot of a space, of a clustering that contains every row of the pool once."""
    return Snapshot(
        revision=revision,
        version=1,
        model=space.model,
        group=space.group,
        learned=len(pool.sources),
        centers=clustering.centers,
        counts=clustering.counts,
        watermarks=pool.watermarks,
    )
