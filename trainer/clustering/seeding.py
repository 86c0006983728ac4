"""Gives centroids that were made offline to a cluster space that has none."""

from random import Random

from textsieve.worker.clustering import minibatch
from textsieve.worker.clustering.centroids import RESET, CentroidStore, SeedPool, Snapshot
from textsieve.worker.clustering.minibatch import Clustering
from textsieve.worker.clustering.seeding import first_snapshot
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.errors import ConfigurationError, StoreUnavailable

_MAX_ATTEMPTS = 20  # races lost against workers that pool: each of them adds once a second at most


def seed_space(store: CentroidStore, space: ClusterSpace, given: Clustering, *, rng: Random) -> Snapshot:
    """Write the first centroids of a space, as a worker would that had seeded it.

    Rows that workers have pooled already are learned by the same write: their offsets are committed, so nobody reads
    them again. With them come the pool's watermarks; without a pool there are none, and nothing counts as learned.

    Args:
        store: of the space.
        space: what its workers agree on.
        given: [k, dim] centroids and how many texts each was made of: so much a new text weighs against them.
        rng: of the revision; unseeded, or a second space of the same texts would have the revision of the first.

    Returns:
        What was written.

    Raises:
        ConfigurationError: the space has centroids, or belongs to another model or group.
        StoreUnavailable: the store does not answer, or workers were faster again and again.
    """
    for _ in range(_MAX_ATTEMPTS):
        revision = store.revision()
        pool = store.pool() if revision in (None, RESET) else None
        if pool is None:
            raise ConfigurationError(
                "clusters.space: expected a space without centroids, got one that has them; choose another one, or "
                "forget them with --replace"
            )
        snapshot = _first(space, given, pool, revision=f"{rng.getrandbits(64):016x}")
        if store.replace(snapshot, expected=revision, pool_revision=pool.revision):
            return snapshot
    raise StoreUnavailable(f"lost {_MAX_ATTEMPTS} races against workers that pool their first texts: stop them")


def _first(space: ClusterSpace, given: Clustering, pool: SeedPool, *, revision: str) -> Snapshot:
    if len(pool.sources):
        ids = minibatch.assign(minibatch.restore(given), pool.embeddings, version=1).cluster_ids
        given = minibatch.merge(given, pool.embeddings, ids, half_life=space.half_life)
    return first_snapshot(given, pool, space, revision=revision)
