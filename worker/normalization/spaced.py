"""Letters kept apart: f r e e, F.R.E.E, f-r-e-e."""

import re
from collections.abc import Iterator
from string import ascii_lowercase

from textsieve.worker.normalization.alphabets import LATIN
from textsieve.worker.normalization.edits import Edit, Found
from textsieve.worker.normalization.lexicon import is_word
from textsieve.worker.normalization.word_checks import is_foreign, is_pronounceable

_BETWEEN = "[ .,*_/|~+=:;\u00b7-]"  # what keeps letters apart
# What every text that this rule could change contains, and few others; a charset in front is searched for fastest
SOMEWHERE = re.compile(rf"{_BETWEEN}[{LATIN}]{_BETWEEN}{{1,3}}[{LATIN}]\b")
_ALONE = r"(?![^\W_])(?!['\u2019])"  # what follows a letter that stands by itself
_APART = re.compile(rf"(?<![\w'\u2019.])[{LATIN}]({_BETWEEN}{{1,3}})[{LATIN}]{_ALONE}(?:\1[{LATIN}]{_ALONE})++")
_SYLLABLE = re.compile(r"[b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]|die", re.IGNORECASE)  # d i e; not y r u

_SHORTEST = 3
_LEAST_UNKNOWN = 6  # letters of a word that nobody listed, in an English text; fewer are a list of names for things
_LEAST_FOREIGN = 4  # in other texts, whose words nobody listed
_LISTED = frozenset((ascii_lowercase, ascii_lowercase[::-1]))


def spaced(text: str) -> Found:
    """Single letters with the same between each two of them become a word where one results."""
    edits = [edit for run in _runs(text) for edit in _joined(run)]
    return Found(edits, bool(edits))


def _runs(text: str) -> Iterator[re.Match[str]]:
    """Single letters in a row; a row that goes on with a low line is none, but its last letter may begin another.

    Were that part of the expression, every letter of a long row would be tried as the first.
    """
    place = 0
    while run := _APART.search(text, place):
        is_whole = not text.startswith("_", run.end())
        if is_whole:
            yield run
        place = run.end() - (0 if is_whole else 1)


def _joined(run: re.Match[str]) -> list[Edit]:
    apart = len(run[1])
    letters = run[0][:: apart + 1]
    # I k i l l, a s l u t: the first is a word of its own
    alone = run[1] == " " and letters[0] in "aAI" and not is_word(letters) and len(letters) > _SHORTEST
    english = letters[0] == "I" and letters[1].islower() and not is_foreign(run.string)
    first = 1 if alone and (is_word(letters[1:]) or english) else 0
    if not _is_disguised(run, letters[first:]):
        return []
    places = range(run.start() + first * (apart + 1) + 1, run.end(), apart + 1)
    return [Edit(place, place + apart, "") for place in places]


def _is_disguised(run: re.Match[str], letters: str) -> bool:
    lower = letters.lower()
    if any(lower in alphabet for alphabet in _LISTED) or len(set(lower)) == 1:  # or kisses: x x x x
        return False
    in_order = list(lower) == sorted(lower)  # vitamins A B C D E K
    dotted = run[1] == "."
    if dotted and run.string[run.end() : run.end() + 1] == "." and (letters.isupper() or len(letters) <= _SHORTEST + 1):
        return False  # an abbreviation: S.M.A.R.T., d.o.o.
    if len(letters) == _SHORTEST:
        return (
            run[1] in (" ", "-", "_")
            and letters[1:].islower()
            and is_word(letters)
            and bool(_SYLLABLE.fullmatch(letters))
        )
    if is_word(letters):
        return True
    if run[1] not in (" ", "-", "*", "_", "\u00b7", "."):
        return False
    if letters.isupper() and dotted:
        return False
    least = _LEAST_FOREIGN if is_foreign(run.string) or not letters.isascii() else _LEAST_UNKNOWN
    return len(letters) >= least and not in_order and is_pronounceable(letters)
