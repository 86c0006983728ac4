"""What rounds in which several take turns can tell about which of them is the fastest."""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np

LEAST_ROUNDS = 6  # so many on one side come by chance once in 32 times
CONFIDENCE = 0.95  # of an interval that holds the true median
TIE = 0.03  # of the time: two that differ by less are equally good, and no budget is spent to tell them apart


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """An interval that holds the median of whatever the values were drawn from with CONFIDENCE, whatever it is.

    Args:
        values: not empty; below LEAST_ROUNDS of them nothing is known, and the interval is all numbers.

    Reference:
        Conover, Practical Nonparametric Statistics, 1999, section 3.2: both ends are order statistics.

    Example:
        >>> median_interval([1.0, 1.2, 1.1, 1.3, 1.2, 1.4])
        (1.0, 1.4)
    """
    count, ordered = len(values), sorted(values)
    if count < LEAST_ROUNDS:
        return -math.inf, math.inf
    outside, cut = 0.0, 0
    while True:
        outside += 2 * math.comb(count, cut) / 2**count
        if outside > 1 - CONFIDENCE:
            break
        cut += 1
    return ordered[cut - 1], ordered[-cut]


def fastest(seconds: Sequence[Sequence[float]]) -> int:
    """Which of several took the least time, by the median of its rounds beside the first one's.

    Args:
        seconds: of each, of the same rounds; not empty.
    """
    first = seconds[0]
    medians = [median(mine / theirs for mine, theirs in zip(one, first, strict=True)) for one in seconds]
    return int(np.argmin(medians))


def told_apart(seconds: Sequence[Sequence[float]]) -> bool:
    """Whether the fastest is known: every other one is slower beyond chance, or equally good.

    Rounds are compared one by one: what disturbs a machine for a while disturbs all that take turns in it.
    """
    best = seconds[fastest(seconds)]
    for one in seconds:
        if one is best:
            continue
        low, high = median_interval([mine / theirs for mine, theirs in zip(one, best, strict=True)])
        if low <= 1 and not (low >= 1 - TIE and high <= 1 + TIE):
            return False
    return all(len(one) >= LEAST_ROUNDS for one in seconds)
