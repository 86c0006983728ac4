"""Whether one method is better than another, or lucky."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Targets

RESAMPLES = 2000  # ends of a 95 % interval then move by about 3 % of its width between seeds
_CHUNK = 100  # resamples held in memory at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and where 95 % of its resamples lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One method minus another on the same texts."""

    interval: Interval
    p_value: float  # two-sided


def resampled_f1(targets: Targets, decided: Targets, *, seed: int) -> NDArray[np.float64]:
    """F1 of texts drawn with replacement, [1 + RESAMPLES]; the first is that of the texts themselves.

    The same seed draws the same texts, so that methods can be subtracted draw by draw (a paired bootstrap). It says how
    much depends on the texts that were judged; not how much on those that were trained on.

    Args:
        targets: [texts, labels counted]; one label gives its F1, several the mean of theirs.
        decided: the same for what was said.
        seed: of the draws.

    Reference:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    rng = np.random.default_rng(seed)
    texts = len(targets)
    right, said, true = (counts.astype(np.float64) for counts in (targets & decided, decided, targets))
    samples = [_f1(np.ones((1, texts)), right, said, true)]
    for start in range(0, RESAMPLES, _CHUNK):
        draws = rng.multinomial(texts, np.full(texts, 1 / texts), size=min(_CHUNK, RESAMPLES - start))
        samples.append(_f1(draws.astype(np.float64), right, said, true))
    return np.concatenate(samples)


def interval(samples: NDArray[np.float64]) -> Interval:
    """The value and its percentile interval."""
    low, high = np.percentile(samples[1:], (2.5, 97.5))
    return Interval(value=float(samples[0]), low=float(low), high=float(high))


def difference(better: NDArray[np.float64], worse: NDArray[np.float64]) -> Difference:
    """A paired difference; `p_value` is twice the share of draws on the rarer side of 0."""
    samples = better - worse
    below, above = int((samples[1:] <= 0).sum()), int((samples[1:] >= 0).sum())
    p_value = min(1.0, 2 * (min(below, above) + 1) / (len(samples[1:]) + 1))
    return Difference(interval=interval(samples), p_value=p_value)


def _f1(
    draws: NDArray[np.float64], right: NDArray[np.float64], said: NDArray[np.float64], true: NDArray[np.float64]
) -> NDArray[np.float64]:
    both = draws @ said + draws @ true  # [draws, labels]
    hits = 2 * (draws @ right)
    return np.asarray(np.divide(hits, both, out=np.zeros_like(hits), where=both > 0).mean(axis=1))
