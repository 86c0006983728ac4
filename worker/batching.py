"""Cuts texts of mixed lengths into device batches that waste little on padding."""

import numpy as np
from numpy.typing import NDArray

Lengths = NDArray[np.int64]  # [texts], tokens per text
Rows = NDArray[np.int64]  # [batch], positions of texts in the caller's order


def cut_batches(lengths: Lengths, *, max_batch_tokens: int) -> list[Rows]:
    """Sort texts by length and cut where the padded batch would exceed the budget.

    A device pays for a batch's longest text times its number of texts. Neighbours in the order of length pad each
    other least, so sorting first makes nearly every token that is paid for a real one.

    Args:
        lengths: tokens of each text.
        max_batch_tokens: the most that longest x count may come to; a text longer than that is a batch of its own.

    Returns:
        The rows of each batch, shortest texts first; every row is in exactly one batch.

    Raises:
        ValueError: the budget is below one token.

    Example:
        >>> [batch.tolist() for batch in cut_batches(np.array([9, 2, 3, 2]), max_batch_tokens=9)]
        [[1, 3, 2], [0]]
    """
    if max_batch_tokens < 1:
        raise ValueError(f"max_batch_tokens: expected at least 1, came {max_batch_tokens}")
    order = np.argsort(lengths, kind="stable")
    cuts: list[int] = []
    start = 0
    for position, row in enumerate(order):
        longest = int(lengths[row])  # in the order of length the newest row is the longest
        if position > start and longest * (position - start + 1) > max_batch_tokens:
            cuts.append(position)
            start = position
    return np.split(order, cuts) if order.size else []


def cut_equal_lengths(lengths: Lengths, *, max_batch_tokens: int) -> list[Rows]:
    """As `cut_batches`, and no batch has rows of two lengths: for networks that read what others ignore.

    Raises:
        ValueError: the budget is below one token.

    Example:
        >>> [batch.tolist() for batch in cut_equal_lengths(np.array([9, 2, 3, 2]), max_batch_tokens=99)]
        [[1, 3], [2], [0]]
    """
    batches = cut_batches(lengths, max_batch_tokens=max_batch_tokens)
    return [part for rows in batches for part in np.split(rows, np.flatnonzero(np.diff(lengths[rows])) + 1)]
