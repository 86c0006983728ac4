"""What makes a cluster space one, for all who write to it."""

import math
from dataclasses import dataclass

from textsieve.worker.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class ClusterSpace:
    """What all workers of a space must agree on.

    Attributes:
        model: fingerprint of the embedding space.
        group: consumer group whose offsets the watermarks follow.
        k: number of clusters.
        seed_size: rows to pool before seeding.
        seed_after_seconds: seed with what is there (at least k rows) after this long.
        half_life: rows after which older weight counts half, or None.
        seed_idle_seconds: seed with what is there (at least LEAST_SEED_ROWS, or k) once nothing came for this long.
    """

    model: str
    group: str
    k: int
    seed_size: int
    seed_after_seconds: float
    half_life: float | None = None
    seed_idle_seconds: float = math.inf


def space_of(settings: ClusterSettings, *, model: str, group: str) -> ClusterSpace:
    """The space that a worker with these settings shares.

    Args:
        settings: of the clusters.
        model: fingerprint of the embedding space.
        group: the worker's consumer group.
    """
    return ClusterSpace(
        model=model,
        group=group,
        k=settings.k,
        seed_size=settings.seed_size,
        seed_after_seconds=settings.seed_after_seconds,
        half_life=settings.half_life_messages,
        seed_idle_seconds=settings.seed_idle_seconds,
    )
