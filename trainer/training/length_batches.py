"""Training batches of texts of similar length, in random order."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

POOL_BATCHES = 16  # sorted together: more saves padding, less keeps batches random; 16 leaves 5-10 % of padding


def length_grouped(lengths: NDArray[np.int64], *, batch_size: int, rng: Generator) -> list[NDArray[np.int64]]:
    """Shuffle, sort within pools of `POOL_BATCHES` batches, cut, and shuffle the batches.

    Args:
        lengths: tokens of each text.
        batch_size: texts in a batch; the last one cut may have fewer.
        rng: of both shuffles.

    Returns:
        The positions of each batch's texts; every text is in exactly one.
    """
    shuffled = rng.permutation(len(lengths))
    pool = batch_size * POOL_BATCHES
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(shuffled), pool):
        members = shuffled[start : start + pool]
        members = members[np.argsort(lengths[members], kind="stable")]
        batches += [members[cut : cut + batch_size] for cut in range(0, len(members), batch_size)]
    return [batches[index] for index in rng.permutation(len(batches))]
