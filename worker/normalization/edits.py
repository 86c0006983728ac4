"""Changes to a text, and the way from what they leave back to where it came from."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Edit(NamedTuple):
    """What stands from `start` to before `end` becomes `text`."""

    start: int
    end: int
    text: str
    backwards: bool = False  # the new letters are the old ones from right to left


class Found(NamedTuple):
    """What a rule would change, from left to right and nowhere twice, and whether that is worth telling."""

    edits: Sequence[Edit] = ()
    marked: bool = False


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made."""
    parts, end = [], 0
    for edit in edits:
        parts += [text[end : edit.start], edit.text]
        end = edit.end
    return "".join((*parts, text[end:]))


def map_offsets(places: Sequence[int], edits: Iterable[Edit]) -> list[int]:
    """For every character that the edits leave, the place of the character that it was.

    Args:
        places: the same for the text before the edits.
        edits: from left to right.
    """
    found: list[int] = []
    end = 0
    for edit in edits:
        found += places[end : edit.start]
        found += _within(places, edit)
        end = edit.end
    return [*found, *places[end:]]


def _within(places: Sequence[int], edit: Edit) -> Sequence[int]:
    old, new = edit.end - edit.start, len(edit.text)
    if edit.backwards:  # what is left out stands at the left end, as the sign that turns the direction does
        return places[edit.end - new : edit.end][::-1]
    # letter by letter, and what is beyond belongs to the last one
    return [places[edit.start + min(offset, old - 1)] for offset in range(new)]
