"""The last messages of this worker, each findable by what it has in common with a new one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.campaigns.minhash import BANDS, PERMUTATIONS, Signatures, band_keys, similarities

CAPACITY: Final = 100_000  # messages
NOBODY: Final = -1

_BUCKETS = 2**19  # of each band: 100,000 messages cover one another in 9 of 100 cases, and there are 15 other bands
_LAST_NUMBER = 2**31 - 1  # numbers of messages are 32 bits wide


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What messages were found to resemble.

    Attributes:
        numbers: [rows] int64, of each message itself, in the order they came.
        nearest: [rows] int64, number of the most similar earlier message found, or NOBODY.
        similarities: [rows] float32, estimated Jaccard similarity to that one; 0 where there is nobody.
    """

    numbers: NDArray[np.int64]
    nearest: NDArray[np.int64]
    similarities: NDArray[np.float32]


class RecentMessages:
    """Remembers signatures in arrays that are allocated once; the oldest make room for new ones.

    For each value of each band there is the newest message alone, so that a lookup costs the same however many
    messages share it. A message that is read again is not its own neighbour.

    Args:
        capacity: messages remembered.
    """

    __slots__ = ("_capacity", "_newest", "_next", "_signatures", "_sources")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._signatures = np.zeros((capacity, PERMUTATIONS), np.uint32)
        self._sources = np.zeros(capacity, np.uint64)
        self._newest = np.full(BANDS * _BUCKETS, NOBODY, np.int32)  # [bands x buckets]
        self._next = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, constant."""
        return self._signatures.nbytes + self._sources.nbytes + self._newest.nbytes

    def remember(self, signatures: Signatures, sources: NDArray[np.uint64], *, at_least: float) -> Neighbours:
        """Find for each message the most similar one before it, in this batch too, and remember them all.

        Args:
            signatures: [rows, PERMUTATIONS], at most `capacity` rows.
            sources: [rows], one number for each message, the same whenever it is read again.
            at_least: similarity from which two messages are neighbours.
        """
        if self._next + len(signatures) > _LAST_NUMBER:
            self.forget()
        numbers = np.arange(self._next, self._next + len(signatures))
        buckets = self._buckets(signatures)
        earlier = self._earlier(buckets, numbers)  # [rows, bands]
        self._signatures[numbers % self._capacity] = signatures
        self._sources[numbers % self._capacity] = sources
        self._newest[buckets] = numbers[:, None]  # of equal buckets the last one stays
        self._next += len(signatures)
        return self._nearest(signatures, sources, numbers, earlier, at_least)

    def signature(self, number: int) -> NDArray[np.uint32]:
        """[PERMUTATIONS], of a message that was just found."""
        signature: NDArray[np.uint32] = self._signatures[number % self._capacity].copy()
        return signature

    def forget(self) -> None:
        """Remember nothing."""
        self._newest[:] = NOBODY
        self._next = 0

    @staticmethod
    def _buckets(signatures: Signatures) -> NDArray[np.int64]:
        """[rows, bands], into `_newest`."""
        keys = band_keys(signatures)
        within = (keys >> np.uint64(32)).astype(np.int64) % _BUCKETS
        return within + np.arange(keys.shape[1]) * _BUCKETS

    def _earlier(self, buckets: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The message that was the last in each bucket when this one came: [rows, bands]."""
        flat = buckets.ravel()
        earlier = self._newest[flat].astype(np.int64)
        order = np.argsort(flat, kind="stable")  # equal buckets side by side, in the order of messages
        same = flat[order[1:]] == flat[order[:-1]]
        owners = np.repeat(numbers, buckets.shape[1])
        earlier[order[1:][same]] = owners[order[:-1][same]]
        return earlier.reshape(buckets.shape)

    def _nearest(
        self,
        signatures: Signatures,
        sources: NDArray[np.uint64],
        numbers: NDArray[np.int64],
        earlier: NDArray[np.int64],
        at_least: float,
    ) -> Neighbours:
        held = earlier > max(NOBODY, self._next - 1 - self._capacity)
        rows, bands = np.nonzero(held)
        found = earlier[rows, bands]
        alike = similarities(self._signatures[found % self._capacity], signatures[rows])
        alike[self._sources[found % self._capacity] == sources[rows]] = 0
        best = np.zeros(len(signatures), np.float32)
        np.maximum.at(best, rows, alike)
        nearest = np.full(len(signatures), NOBODY, np.int64)
        chosen = (alike == best[rows]) & (alike >= at_least)
        np.maximum.at(nearest, rows[chosen], found[chosen])  # of equally similar ones the newest
        return Neighbours(numbers, nearest, np.where(nearest == NOBODY, np.float32(0), best))
