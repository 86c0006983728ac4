"""What the shared centroids look like after a learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.metrics.definition import MAX_CLUSTERS, OTHER
from textsieve.worker.metrics.metrics import Metrics

DORMANT = 0.01  # of an even share of the weight: a cluster below it hardly ever gets a text


@dataclass(slots=True)
class CentroidMetrics:
    """Weights and movement of the centroids."""

    metrics: Metrics
    _version: int = 0
    _centers: NDArray[np.float32] | None = None  # [k, dim]

    def show(self, *, version: int, centers: NDArray[np.float32], counts: NDArray[np.float64]) -> None:
        """Export a snapshot; nothing is done where it is the one shown before.

        Args:
            version: of the snapshot.
            centers: [k, dim].
            counts: [k], the weight of each.
        """
        before, self._centers = self._centers, centers
        if version == self._version and before is not None:
            return
        self._version = version
        if before is not None and before.shape == centers.shape:
            moved = centers.astype(np.float64) - before  # [k, dim]
            self.metrics.shift.observe(float(np.sqrt((moved**2).sum(axis=1)).max()))
        dormant = int((counts < DORMANT * counts.sum() / len(counts)).sum())
        self.metrics.version.set(version)
        self.metrics.clusters.labels("active").set(len(counts) - dormant)
        self.metrics.clusters.labels("dormant").set(dormant)
        for slot, weight in enumerate(counts[:MAX_CLUSTERS].tolist()):
            self.metrics.members.labels(str(slot)).set(weight)
        if len(counts) > MAX_CLUSTERS:
            self.metrics.members.labels(OTHER).set(float(counts[MAX_CLUSTERS:].sum()))
