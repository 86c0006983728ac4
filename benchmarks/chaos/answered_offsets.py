"""How far the answers of each partition have come, and whether one was left out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOLE_SECONDS = 20.0  # for what was answered before a commit to be read here


@dataclass(slots=True)
class AnsweredOffsets:
    """The answered offsets of some partitions, as they come.

    Attributes:
        floor: everything below is answered.
    """

    floor: dict[int, int]
    _beyond: dict[int, set[int]] = field(init=False)  # answered offsets at or above the floor
    _hole_since: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beyond = {partition: set() for partition in self.floor}

    def add(self, places: Iterable[tuple[int, int]], *, now: float) -> None:
        """Take in answers, (partition, offset) each, in any order and as often as they come; `now` in seconds."""
        for partition, offset in places:
            if offset >= self.floor[partition]:  # a repeat says nothing new, and must not look like one that is ahead
                self._beyond[partition].add(offset)
        for partition, beyond in self._beyond.items():
            before = self.floor[partition]
            while self.floor[partition] in beyond:
                beyond.discard(self.floor[partition])
                self.floor[partition] += 1
            if self.floor[partition] > before or not beyond:
                self._hole_since.pop(partition, None)
            else:
                self._hole_since.setdefault(partition, now)

    def holes(self, *, now: float) -> Mapping[int, int]:
        """The first unanswered offset of each partition in which later ones have been answered for long.

        That alone does not make it lost: a worker may have stopped in mid-batch, and nobody have come since.
        """
        return {number: self.floor[number] for number, since in self._hole_since.items() if now - since > HOLE_SECONDS}

    def reaches(self, ends: Mapping[int, int]) -> bool:
        """Whether every message below these offsets has an answer."""
        return all(self.floor[partition] >= end for partition, end in ends.items())
