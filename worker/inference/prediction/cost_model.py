"""How many rows, from the front, a device answers in the time it is allowed, by what passes of each width took."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Lengths = NDArray[np.int64]  # [rows], tokens per row

SMOOTHING = (
    0.3  # weight of the newest pass where it was slower; a faster one counts whole, for nothing is fast by chance
)


@dataclass(slots=True)
class CostModel:
    """What a token costs in rows of each width, and the rows that a time is enough for.

    Widths are told apart by powers of two. Attention grows with the square of the width, so a width that was never met
    is taken to cost the square of the next narrower one: the first long texts after short ones are few, and measured.
    """

    _seconds: dict[int, float] = field(default_factory=dict)  # class of width -> seconds of one padded token

    def observe(self, *, rows: int, width: int, seconds: float) -> None:
        """The device answered `rows` rows, all of them padded to `width` tokens."""
        size = int(_classes(np.asarray([width]))[0])
        cost = seconds / (rows * width)
        known = self._seconds.get(size, cost)
        self._seconds[size] = min(cost, known + SMOOTHING * (cost - known))

    def rows_within(self, lengths: Lengths, *, seconds: float, max_batch_tokens: int) -> int:
        """Rows from the front that take no longer than `seconds`, at least one where there are some.

        Args:
            lengths: [rows], tokens.
            seconds: for all passes together.
            max_batch_tokens: of one pass; before anything was measured only one is made.
        """
        if not len(lengths):
            return 0
        if self._seconds:
            spent = np.cumsum(lengths * self._costs(_classes(lengths)))  # [rows], seconds
            return max(1, int(np.searchsorted(spent, seconds, side="right")))
        padded = np.maximum.accumulate(lengths) * np.arange(1, len(lengths) + 1)  # [rows], tokens of one pass
        return max(1, int(np.searchsorted(padded, max_batch_tokens, side="right")))

    def _costs(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """[rows]: seconds of a token in rows of these classes."""
        table = {size: self._cost(size) for size in np.unique(classes).tolist()}
        return np.asarray([table[size] for size in classes.tolist()])

    def _cost(self, size: int) -> float:
        narrower = [known for known in self._seconds if known <= size]
        if not narrower:
            return self._seconds[min(self._seconds)]
        nearest = max(narrower)
        return self._seconds[nearest] * 2.0 ** (size - nearest)


def _classes(widths: Lengths) -> NDArray[np.int64]:
    """[rows]: the power of two that holds each width."""
    return np.ceil(np.log2(np.maximum(widths, 1))).astype(np.int64)
