"""Cuts the calibration texts into turns that are short, alike, and mixed of all lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

from textsieve.worker.inference.building.calibration_texts import LONG_CHARACTERS

SLICES = 8  # a turn is an eighth of the timed texts: a fraction of a second, after which others may have the core
UNTIMED = 2  # long texts of a turn: as much work as a slice


@dataclass(frozen=True, slots=True)
class TextSlices:
    """Slices of texts.

    Attributes:
        timed: of short texts, as streams have them.
        untimed: of long and blank ones: they show what is wrong, but would drown what a short text costs.
    """

    timed: tuple[tuple[str, ...], ...]
    untimed: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "TextSlices":
        """All texts, each once."""
        short = [text for text in texts if text.strip() and len(text) < LONG_CHARACTERS[0]]
        others = [text for text in texts if text not in set(short)]
        by_length = sorted(short, key=len)
        timed = (tuple(by_length[number::SLICES]) for number in range(SLICES))
        untimed = (tuple(others[start : start + UNTIMED]) for start in range(0, len(others), UNTIMED))
        return cls(tuple(part for part in timed if part), tuple(untimed))
