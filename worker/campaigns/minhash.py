"""MinHash of character 4-grams: how alike two texts are, by comparing 48 numbers (Broder, 1997)."""

from collections.abc import Iterator, Sequence
from hashlib import shake_256
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signatures = NDArray[np.uint32]  # [texts, PERMUTATIONS]
Keys = NDArray[np.uint64]  # [texts, bands]

PERMUTATIONS: Final = 48  # the estimate of a Jaccard similarity of .4 has a standard deviation of .07
GRAM: Final = 4  # characters
BANDS: Final = 16  # of 3 values: of pairs with a similarity of .45 they find 78 in 100, of unrelated ones .064 %
_MAX_CHARACTERS = 2048  # hashed at a time: the matrix of 48 hashes of each stays in the processor's cache

# From a digest, so that they are the same in every process and with every NumPy: signatures are kept in the store
_FACTORS, _ADDENDS = np.frombuffer(shake_256(b"textsieve minhash").digest(8 * PERMUTATIONS), "<u4").reshape(2, -1, 1)
_ODD_FACTORS = _FACTORS | 1  # odd: the multiplication is a permutation of 32 bits
_ROLL = np.array([0x27D4EB2F, 0x165667B1, 0x9E3779B1, 1], np.uint32)  # odd constants, from xxHash
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio


def signatures(texts: Sequence[str]) -> Signatures:
    """The signature of each text; equal at a place with the probability that is the Jaccard similarity of the 4-grams.

    Args:
        texts: canonical; shorter ones than a gram are filled up with blanks.
    """
    filled = [text.ljust(GRAM) for text in texts]
    made = np.empty((len(filled), PERMUTATIONS), np.uint32)
    for rows in _portions([len(text) for text in filled]):
        made[rows] = _signatures(filled[rows])
    return made


def similarities(left: Signatures, right: Signatures) -> NDArray[np.float32]:
    """Estimated Jaccard similarity of row and row, 0 to 1.

    Args:
        left: [rows, PERMUTATIONS]
        right: [rows, PERMUTATIONS], or one row.
    """
    equal: NDArray[np.float32] = (left == right).mean(-1, dtype=np.float32)
    return equal


def band_keys(of: Signatures) -> Keys:
    """One number for every band: two texts with a key in common may be alike.

    Returns:
        [texts, BANDS]; keys of different bands differ.
    """
    bands = of.reshape(len(of), BANDS, PERMUTATIONS // BANDS).astype(np.uint64)  # [texts, bands, rows]
    keys: Keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), bands.shape[:2]) + np.uint64(1)
    for row in range(bands.shape[2]):
        keys = (keys ^ bands[:, :, row]) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys


def _portions(lengths: Sequence[int]) -> Iterator[slice]:
    """Rows to hash at a time, at least one."""
    ends = [0]
    size = 0
    for row, length in enumerate(lengths):
        if size and size + length > _MAX_CHARACTERS:
            ends.append(row)
            size = 0
        size += length
    ends.append(len(lengths))
    return (slice(start, end) for start, end in pairwise(ends))


def _signatures(texts: Sequence[str]) -> Signatures:
    if not texts:
        return np.empty((0, PERMUTATIONS), np.uint32)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")  # [characters]
    grams = sum((codes[at : len(codes) - GRAM + 1 + at] * _ROLL[at] for at in range(GRAM)), np.uint32(0))
    hashes = np.bitwise_xor(grams, grams >> 15) * np.uint32(0x85EBCA6B)  # as MurmurHash3 ends
    hashes = np.bitwise_xor(hashes, hashes >> 13) * np.uint32(0xC2B2AE35)
    hashes = np.bitwise_xor(hashes, hashes >> 16)  # [characters - 3]
    # Grams of one text, then the three that reach into the next one, which are left out again
    ends = list(accumulate(len(text) for text in texts))
    edges = [edge for start, end in pairwise([0, *ends]) for edge in (start, end - GRAM + 1)]
    least = np.minimum.reduceat(_ODD_FACTORS * hashes + _ADDENDS, edges[:-1], axis=1)  # [PERMUTATIONS, 2 texts - 1]
    return np.ascontiguousarray(least[:, ::2].T)
