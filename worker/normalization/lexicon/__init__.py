"""Words by which a guess about a disguise is checked: of ordinary English, and of what gets disguised."""

from functools import cache
from importlib.resources import files
from typing import Final

COMMON: Final = 1  # among the commonest 11,000, or named by us
KNOWN: Final = 2  # any of the 45,000
UNKNOWN: Final = 3

_LISTS = {"english.txt": KNOWN, "common.txt": COMMON, "senders.txt": COMMON}


@cache
def _ranks() -> dict[str, int]:
    """Read once, at the first guess (a tenth of a second): most texts need none."""
    folder = files(__name__)
    return {
        word: rank
        for name, rank in _LISTS.items()
        for word in folder.joinpath(name).read_text(encoding="ascii").split()
    }


def rank(word: str) -> int:
    """How well known a word is, in whatever case: COMMON, KNOWN or UNKNOWN. Words have three letters or more."""
    return _ranks().get(word.lower(), UNKNOWN)


def is_word(word: str) -> bool:
    """Whether it is a known word of three letters or more, in whatever case."""
    return rank(word) < UNKNOWN
