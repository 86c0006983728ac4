"""An online k-means in the process alone."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from benchmarks.speed.rivals.options import CLUSTERS


class Clusters:
    """MiniBatchKMeans in the process alone; texts before the first 64 go to cluster -1."""

    def __init__(self) -> None:
        self._kmeans = MiniBatchKMeans(n_clusters=CLUSTERS, random_state=0)
        self._first: list[NDArray[np.float32]] = []
        self._seeded = False

    def learn(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cluster of every row, after the rows were learned."""
        if not self._seeded:
            self._first.extend(embeddings)
            if len(self._first) < CLUSTERS:
                return np.full(len(embeddings), -1)
            embeddings_to_learn, self._seeded = np.asarray(self._first), True
        else:
            embeddings_to_learn = embeddings
        self._kmeans.partial_fit(embeddings_to_learn)
        return self._kmeans.predict(embeddings)
