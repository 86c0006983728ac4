"""Weights of a linear layer in int8, by NumPy alone: bit for bit those of `operators.Linear8`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EIGHT_BITS, SEVEN_BITS = 127, 63  # the largest weight: 63 where a processor adds two products of bytes in 16 bits
_LEAST_SCALE = np.float32(1e-12)  # a row of zeros has no largest value to divide by


@dataclass(frozen=True, slots=True)
class Quantized:
    """A linear layer in int8.

    Attributes:
        weight: [in + corrections, out]; the last rows sum up to minus the sums of the others, see Linear8.
        scale: [out]
    """

    weight: NDArray[np.int8]
    scale: NDArray[np.float32]


def quantize(weight: NDArray[np.float32], *, largest: int) -> Quantized:
    """A scale for each output; `weight` is [out, in], as torch keeps it."""
    scale = np.maximum(np.abs(weight).max(axis=1) / np.float32(largest), _LEAST_SCALE)  # [out]
    rounded = np.round(weight / scale[:, None])  # [out, in]
    extended = np.concatenate([rounded, _corrections(rounded.sum(axis=1), largest=largest)], axis=1)
    return Quantized(np.ascontiguousarray(extended.T.astype(np.int8)), scale)


def _corrections(sums: NDArray[np.float32], *, largest: int) -> NDArray[np.float32]:
    """[out] -> [out, c] of at most `largest` in size whose rows sum up to minus `sums`; c is a multiple of 4."""
    count = -(-int(np.abs(sums).max()) // (4 * largest)) * 4 or 4
    even = np.floor(-sums / np.float32(count))  # [out]
    rest = -sums - even * np.float32(count)  # [out], 0 .. count - 1
    return np.asarray(even[:, None] + (np.arange(count) < rest[:, None]), dtype=np.float32)
