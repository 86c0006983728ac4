"""How far the newest messages differ from the first ones: the population stability index.

Two windows of so many messages each: the reference is the first after the start, the newest slides. Every signal is
cut into bins, and for the shares r and s of a bin in the two windows

    PSI = sum over bins of (s - r) * ln(s / r)

which is 0 for equal shares. By custom 0.1 asks for a look and 0.25 is a shift (N. Siddiqi, Credit Risk Scorecards,
2006). Chance alone gives about (bins - 1) * 2 / window, which is why few bins and thousands of messages are used.

A restart takes a new reference: a drift that a restart interrupts is not seen any more.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]  # [bins]

BLOCKS = 10  # the newest window slides by a tenth of itself
EMPTY = 0.5  # messages that an empty bin is taken to hold: ln(0) is no number


def psi(reference: Counts, newest: Counts) -> float:
    """The population stability index between two histograms of the same bins; 0 if either is empty.

    Example:
        >>> round(psi(np.array([50, 50]), np.array([90, 10])), 3)
        0.878
    """
    if not reference.sum() or not newest.sum():
        return 0.0
    expected = np.maximum(reference, EMPTY) / np.maximum(reference, EMPTY).sum()  # [bins]
    actual = np.maximum(newest, EMPTY) / np.maximum(newest, EMPTY).sum()  # [bins]
    return float(((actual - expected) * np.log(actual / expected)).sum())


@dataclass(slots=True)
class Drift:
    """The two windows of all signals.

    Attributes:
        bins: signal -> number of its bins.
        window: messages of the reference, and of the newest window.
    """

    bins: Mapping[str, int]
    window: int
    _reference: dict[str, Counts] = field(init=False)
    _referenced: int = 0
    _blocks: deque[dict[str, Counts]] = field(default_factory=deque)  # oldest first, the last one is filling
    _filled: deque[int] = field(default_factory=deque)  # messages of each block

    def __post_init__(self) -> None:
        self._reference = self._zeros()

    @property
    def messages(self) -> int:
        """Messages in the newest window; 0 while the reference is still filling."""
        return sum(self._filled)

    def observe(self, counts: Mapping[str, Counts], *, messages: int) -> None:
        """Count one batch: for every signal, how many of its messages fall into each bin."""
        if not messages:
            return
        if self._referenced < self.window:
            _add(self._reference, counts)
            self._referenced += messages
            return
        if not self._blocks or self._filled[-1] >= self.window / BLOCKS:
            self._blocks.append(self._zeros())
            self._filled.append(0)
        _add(self._blocks[-1], counts)
        self._filled[-1] += messages
        while sum(self._filled) - self._filled[0] >= self.window:
            self._blocks.popleft()
            self._filled.popleft()

    def index(self, signal: str) -> float:
        """The index of one signal; 0 until both windows are full."""
        if self.messages < self.window:
            return 0.0
        newest: Counts = np.sum([block[signal] for block in self._blocks], axis=0)
        return psi(self._reference[signal], newest)

    def _zeros(self) -> dict[str, Counts]:
        return {signal: np.zeros(bins, np.int64) for signal, bins in self.bins.items()}


def _add(total: Mapping[str, Counts], counts: Mapping[str, Counts]) -> None:
    for signal, bins in counts.items():
        np.add(total[signal], bins, out=total[signal])
