"""The arithmetic of the figures: rates from an output's growth, medians, percentiles, open-loop schedules."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

BURST_GAP_SECONDS = 0.1  # growth after a longer silence is another batch
STREAM_SECONDS = 1.0  # growth for so long without a pause is no batch, but a stream
WARM_SECONDS = 2.0  # after the first output, or
WARM_MESSAGES = 500  # so many of them, whichever comes first: one batch of a recipe that polls 500


@dataclass(frozen=True, slots=True)
class Growth:
    """How far an output had come at one moment."""

    seconds: float
    messages: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Repeated measurements of one figure."""

    median: float
    lowest: float
    highest: float
    rounds: tuple[float, ...]

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Spread":
        """Raises ValueError without a measurement."""
        if not rounds:
            raise ValueError("expected at least one round, got none")
        return cls(statistics.median(rounds), min(rounds), max(rounds), tuple(rounds))


def quotients(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Round by round: compared is what follows each other within a minute, for a host's speed changes later."""
    return Spread.of([round(a / b, 3) for a, b in zip(above, below, strict=True)])


def bursts(points: Sequence[Growth]) -> list[Growth]:
    """The end of every batch of output: growth without a pause between counts as one.

    Example:
        >>> [end.messages for end in bursts([Growth(0.0, 1), Growth(0.05, 2), Growth(1.0, 4)])]
        [2, 4]
    """
    ends: list[Growth] = []
    for point in points:
        if ends and point.seconds - ends[-1].seconds < BURST_GAP_SECONDS:
            ends[-1] = point
        else:
            ends.append(point)
    return ends


def steady(points: Sequence[Growth]) -> Sequence[Growth]:
    """What is measured of an output's growth: from the end of a first, warm batch to the last growth.

    Batches begin and end the window, so that it holds whole ones; output that never pauses is measured between any two
    of its points.
    """
    if not points:
        return ()
    ends = bursts(points)
    marks = ends if len(ends) >= 3 else points  # noqa: PLR2004 - a first, and a whole one after it
    first = points[0].seconds
    return [mark for mark in marks if mark.seconds - first >= WARM_SECONDS or mark.messages >= WARM_MESSAGES]


def between_batches(points: Sequence[Growth], at: float) -> bool:
    """Whether a window may end now: nothing is being appended, or the output is one that never pauses."""
    if at - points[-1].seconds >= BURST_GAP_SECONDS:
        return True
    began = points[-1].seconds
    for point in reversed(points):
        if began - point.seconds >= BURST_GAP_SECONDS:
            break
        began = point.seconds
    return at - began >= STREAM_SECONDS


def rate(points: Sequence[Growth]) -> float:
    """Messages per second in the steady window.

    Raises:
        ValueError: the output did not grow twice after it was warm.
    """
    window = steady(points)
    if len(window) < 2:  # noqa: PLR2004 - a beginning and an end
        raise ValueError(f"expected output before and after a steady window, got {len(window)} of the two")
    return (window[-1].messages - window[0].messages) / (window[-1].seconds - window[0].seconds)


def open_loop(rng: Random, *, per_second: float, seconds: float) -> list[float]:
    """When messages are due, in seconds from the start: a Poisson process, fixed before anything is sent.

    A sender that waited for answers would send less while the worker is slow, and hide the very latencies that are
    looked for (coordinated omission). Latency counts from these times, not from when a message could be sent.
    """
    due: list[float] = []
    at = rng.expovariate(per_second)
    while at < seconds:
        due.append(at)
        at += rng.expovariate(per_second)
    return due


def percentiles(latencies: Sequence[float], shares: Sequence[float] = (50, 95, 99)) -> dict[str, float]:
    """p50, p95, p99: the smallest latency that so many percent do not exceed.

    Example:
        >>> percentiles([4.0, 1.0, 2.0, 3.0], (50, 99))
        {'p50': 2.0, 'p99': 4.0}
    """
    found = np.percentile(np.asarray(latencies, np.float64), shares, method="inverted_cdf")
    return {f"p{share:g}": float(value) for share, value in zip(shares, found, strict=True)}


def order(names: Sequence[str], *, seed: int, rounds: int) -> list[list[str]]:
    """Which system runs when: every round has all of them, in an order of its own."""
    rng = Random(seed)
    return [rng.sample(list(names), len(names)) for _ in range(rounds)]
