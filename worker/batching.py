"""Cuts texts of mixed lengths into device batches that waste little on padding."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Lengths = NDArray[np.int64]  # [texts], tokens per text
Rows = NDArray[np.int64]  # [batch], positions of texts in the caller's order

PASS_SHARE = 32  # a pass costs as much beside its tokens as 1/32 of a full one: calls, and products of fewer rows


def cut_batches(lengths: Lengths, *, max_batch_tokens: int) -> list[Rows]:
    """Put texts of similar length together, as cheaply as padding on one side and passes on the other allow.

    A device pays for a batch's longest text times its number of texts. Texts of one length that fill batches do so;
    what is left shares batches with its neighbours in the order of length where padding costs less than another pass.

    Args:
        lengths: tokens of each text.
        max_batch_tokens: the most that longest x count may come to; a text longer than that is a batch of its own.

    Returns:
        The rows of each batch, those with the shortest texts first; every row is in exactly one batch.

    Raises:
        ValueError: the budget is below one token.

    Example:
        >>> [batch.tolist() for batch in cut_batches(np.array([90, 20, 21, 20]), max_batch_tokens=90)]
        [[1, 3, 2], [0]]
    """
    batches, rests = _of_one_length(lengths, max_batch_tokens)
    widths = [int(lengths[rows[0]]) for rows in rests]
    cuts = _cheapest_cuts(widths, [len(rows) for rows in rests], max_batch_tokens)
    batches += [np.concatenate(rests[first:end]) for first, end in pairwise(cuts)]
    return sorted(batches, key=lambda rows: int(lengths[rows[-1]]))


def _of_one_length(lengths: Lengths, budget: int) -> tuple[list[Rows], list[Rows]]:
    """Full batches of texts of one length, and of each length what fills no batch, the shortest first."""
    if budget < 1:
        raise ValueError(f"max_batch_tokens: expected at least 1, got {budget}")
    full: list[Rows] = []
    rests: list[Rows] = []
    order = np.argsort(lengths, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1) if order.size else ():
        most = max(1, budget // max(1, int(lengths[rows[0]])))  # a text may have no token at all
        end = len(rows) - len(rows) % most
        full += [rows[first : first + most] for first in range(0, end, most)]
        if end < len(rows):
            rests.append(rows[end:])
    return full, rests


def _cheapest_cuts(widths: list[int], counts: list[int], budget: int) -> list[int]:
    """Where to cut ascending widths so that padded tokens and passes together cost least: a shortest path.

    Returns:
        The places of the cuts, with both ends.
    """
    price = budget / PASS_SHARE  # of a pass, in tokens
    least, came_from = [0.0], [0]
    for end, width in enumerate(widths, start=1):
        best, best_first, texts = math.inf, end - 1, 0
        for first in range(end - 1, -1, -1):
            texts += counts[first]
            if texts * width > budget:
                break
            cost = least[first] + texts * width + price
            if cost < best:
                best, best_first = cost, first
        least.append(best)
        came_from.append(best_first)
    cuts = [len(widths)]
    while cuts[-1]:
        cuts.append(came_from[cuts[-1]])
    return cuts[::-1]


def cut_equal_lengths(lengths: Lengths, *, max_batch_tokens: int) -> list[Rows]:
    """As `cut_batches`, and no batch has rows of two lengths: for networks that read what others ignore.

    Raises:
        ValueError: the budget is below one token.

    Example:
        >>> [batch.tolist() for batch in cut_equal_lengths(np.array([9, 2, 3, 2]), max_batch_tokens=99)]
        [[1, 3], [2], [0]]
    """
    full, rests = _of_one_length(lengths, max_batch_tokens)
    return sorted([*full, *rests], key=lambda rows: int(lengths[rows[-1]]))
