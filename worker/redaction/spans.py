"""Where in a text something stands that is to go."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

# Where a number may begin and end: beside a sign, or glued to a word (Call0800..., no part of an id as AB12CDEF345 is)
EDGE_BEFORE: Final = r"(?:(?<![^\W_])(?<!\.)|(?<=\0\.)|(?<=[^\W\d_]{3})(?<!\d[^\W\d_]{3})(?<!\d[^\W\d_]{4}))"
EDGE_AFTER: Final = r"(?!\d)(?:(?![^\W_])|(?=[^\W\d_]{2})(?![^\W\d_]{2,3}\d))"
BLANK = "\0"  # no letter, digit or white space: what was found once is no part of anything found later


class Span(NamedTuple):
    """One thing found.

    Attributes:
        start, end: its place in the folded text.
        value: in the one form that all of its spellings share.
    """

    start: int
    end: int
    value: str


Finder = Callable[[str], Sequence[Span]]  # a folded text to spans that do not overlap, in their order


def blanked(text: str, spans: Sequence[Span]) -> str:
    """The text with as many blanks in the place of each span as it had characters."""
    parts, place = [], 0
    for start, end, _ in spans:
        parts += [text[place:start], BLANK * (end - start)]
        place = end
    return "".join([*parts, text[place:]])
