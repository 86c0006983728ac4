"""A few of many texts."""

from collections.abc import Collection

import numpy as np

from textsieve.trainer.data.examples import Examples


def sampled(examples: Examples, *, without: Collection[str], count: int | None, seed: int) -> Examples:
    """Some of the texts, drawn without regard to their labels, in the order of the file.

    Args:
        examples: with exclusive labels.
        without: labels whose texts are left out first.
        count: how many to draw; all if None, or if there are no more.
        seed: of the draw.

    Raises:
        ConfigurationError: the file is multi-label.
    """
    rows = np.flatnonzero(~np.isin(examples.labels, list(without)))
    if count is not None and count < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, size=count, replace=False))
    return examples.pick(rows.tolist())
