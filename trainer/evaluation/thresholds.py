"""The probability from which on a label counts, for a wished precision or recall."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

TargetMetric = Literal["precision", "recall"]

CONFIDENCE = 0.95  # of all intervals


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of texts, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a label gains and loses at a threshold."""

    label: str
    wish: TargetMetric
    wished: float
    threshold: float  # the label counts from this probability on
    precision: Proportion
    recall: Proportion


def find_threshold(
    probabilities: NDArray[np.float32], holds: NDArray[np.bool_], *, label: str, wish: TargetMetric, wished: float
) -> Threshold | None:
    """The threshold that keeps a wish and gives as much as possible of the other.

    Args:
        probabilities: [texts], of one label.
        holds: [texts], whether it holds.
        label: its name.
        wish: what must be reached.
        wished: how much of it, 0 to 1.

    Returns:
        None if no threshold reaches the wish, or the label never holds.

    A threshold picked on the same texts that give its scores is a little too good; the intervals do not contain that.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    hits = np.cumsum(holds[order])  # right ones among the first n
    ends = np.append(ranked[1:] != ranked[:-1], [True])  # equal probabilities fall on one side together
    if not len(ranked) or not hits[-1]:
        return None
    counts = np.arange(1, len(ranked) + 1)
    precision, recall = hits / counts, hits / hits[-1]
    reached = ends & ((precision if wish == "precision" else recall) >= wished)
    if not reached.any():
        return None
    # the lowest threshold of that precision has the most recall, the highest of that recall the most precision
    positions = np.flatnonzero(reached)
    position = positions[-1] if wish == "precision" else positions[0]
    right, said, all_right = int(hits[position]), int(counts[position]), int(hits[-1])
    return Threshold(
        label=label,
        wish=wish,
        wished=wished,
        threshold=float(ranked[position]),
        precision=share(right, said),
        recall=share(right, all_right),
    )


def share(count: int, total: int) -> Proportion:
    """A share with its exact interval.

    Reference:
        Clopper and Pearson, Biometrika 26, 1934.
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, total - count)) if count < total else 1.0
    return Proportion(value=count / total, low=low, high=high)
