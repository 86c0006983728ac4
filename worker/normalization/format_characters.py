"""Characters that show nothing, or turn the direction of what follows."""

import re

from textsieve.worker.normalization.alphabets import (
    BACKWARDS,
    COMBINING_MARKS,
    DIRECTIONS,
    FOREIGN,
    INVISIBLE,
    LATIN,
    SMALL_CAPITALS,
    SOFT_HYPHEN,
    STYLED,
    any_of,
)
from textsieve.worker.normalization.edits import Edit, Found
from textsieve.worker.normalization.lexicon import is_word

# Scripts that need no joiners, and digits
_CASED = any_of(FOREIGN | STYLED.keys() | SMALL_CAPITALS.keys())[1:-1] + f"0-9{LATIN}"
_HIDDEN = re.compile(f"(?<=[{_CASED}{any_of(COMBINING_MARKS)[1:-1]}]){any_of(INVISIBLE)}+(?=[{_CASED}])")
_FROM_THE_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")  # scripts written so
_TURNED_AROUND = re.compile("\u202e([^\u202a-\u202e\u2066-\u2069\n]+)(\u202c?)")
_WORD = re.compile(rf"[{LATIN}]{{3,}}")
_BEFORE, _BEHIND = re.compile(rf"[{LATIN}]+\Z"), re.compile(rf"[{LATIN}]+")
_LEAST_SYLLABLE = 2  # letters on either side of a hyphen that typesetting would put


def invisible(text: str) -> Found:
    """Characters that show nothing go from inside words of scripts that have no use for them there.

    Soft hyphens between syllables, and signs of direction in a text that has two, are no disguise.
    """
    runs = list(_HIDDEN.finditer(text))
    both_ways = bool(_FROM_THE_RIGHT.search(text))
    marked = any(not _is_innocent(run, both_ways=both_ways) for run in runs)
    return Found([Edit(run.start(), run.end(), "") for run in runs], marked)


def _is_innocent(run: re.Match[str], *, both_ways: bool) -> bool:
    if both_ways and DIRECTIONS.issuperset(run[0]):
        return True
    if run[0] != SOFT_HYPHEN:
        return False
    # no farther back than is asked for: for each hyphen of a long text that would be all of it
    before = _BEFORE.search(run.string, max(0, run.start() - _LEAST_SYLLABLE), run.start())
    behind = _BEHIND.match(run.string, run.end())
    return before is None or behind is None or min(len(before[0]), len(behind[0])) >= _LEAST_SYLLABLE


def bidi_override(text: str) -> Found:
    """Latin text that is stored from right to left and shown the other way round is stored as it is shown."""
    if BACKWARDS not in text or _FROM_THE_RIGHT.search(text):
        return Found()
    edits = []
    for span in _TURNED_AROUND.finditer(text):
        (first, last), stored = span.span(1), span[1]
        if _words(stored) > _words(stored[::-1]) or not _BEHIND.search(stored):
            continue  # a sign that only disturbs: it goes with what shows nothing
        edits += [Edit(span.start(), first, ""), Edit(first, last, stored[::-1], backwards=True)]
        if span[2]:
            edits.append(Edit(last, span.end(), ""))
    return Found(edits, bool(edits))


def _words(text: str) -> int:
    return sum(map(is_word, _WORD.findall(text)))
