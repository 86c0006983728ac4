"""Assign: the nearest of the centroids that all workers share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec
import numpy as np

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import CLUSTER_ID, DISTANCE, EMBEDDING
from textsieve.worker.records import NO_CLUSTER, Assignments, Embeddings


class Cluster(msgspec.Struct, gc=False):
    """Where a text belongs, as it stands on the wire."""

    id: int
    distance: float
    version: int


_CLUSTER: Final = Column[list[Cluster | None]]("cluster")


@dataclass(frozen=True, slots=True)
class Assign:
    """Finds the cluster of each text.

    Attributes:
        assign: embeddings [rows, dim] to the nearest shared centroids.
    """

    assign: Callable[[Embeddings], Assignments]
    needs: ClassVar[tuple[Column[Any], ...]] = (EMBEDDING,)
    gives: ClassVar[tuple[Column[Any], ...]] = (CLUSTER_ID, DISTANCE, _CLUSTER)
    fields: ClassVar[Mapping[str, Column[Any]]] = {"cluster": _CLUSTER}

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        found = self.assign(batch[EMBEDDING])
        distances = np.round(found.distances.astype(np.float64), 6).tolist()
        return batch.with_columns(
            CLUSTER_ID.of(found.cluster_ids),
            DISTANCE.of(found.distances),
            _CLUSTER.of(
                [
                    None if cluster == NO_CLUSTER else Cluster(cluster, distance, found.version)
                    for cluster, distance in zip(found.cluster_ids.tolist(), distances, strict=True)
                ]
            ),
        )
