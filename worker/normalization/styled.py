"""Styled letters: mathematical, full-width, enclosed, small, raised, flags, upside down."""

import re

from textsieve.worker.normalization.alphabets import (
    RAISED,
    REGIONAL,
    SMALL_CAPITALS,
    STYLED,
    UPSIDE_DOWN,
    WIDE,
    any_of,
)
from textsieve.worker.normalization.edits import Edit, Found
from textsieve.worker.normalization.lexicon import is_word
from textsieve.worker.normalization.word_checks import is_phonetic, is_pronounceable

_IDEOGRAPH = re.compile("[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uff65-\uffdf\U00020000-\U0003ffff]")
_STYLED = any_of(STYLED)[1:-1]
# Words begin where they begin and are taken whole: to try every way to cut a long one takes minutes
_STYLED_WORD = re.compile(rf"(?<![A-Za-z0-9{_STYLED}])[A-Za-z0-9]*+[{_STYLED}][A-Za-z0-9{_STYLED}]*+")
_SMALL = any_of(SMALL_CAPITALS)[1:-1]
_SMALL_WORD = re.compile(rf"(?<!\w)(?=[A-Z]?[cosvwxzqi]*[{_SMALL}])[A-Z]?+[cosvwxzqi{_SMALL}]++(?!\w)")
_RAISED_WORD = re.compile(rf"(?<![\w{any_of(RAISED)[1:-1]}]){any_of(RAISED)}{{3,}}(?!\w)")
_FLAGS = any_of(REGIONAL)
_FLAG_WORD = re.compile(rf"{_FLAGS}([ \u200b-\u200d\u2060]?){_FLAGS}(?:\1{_FLAGS})+")
_TURNED_WORD = re.compile(rf"(?<![\w\u0300-\u036f]){any_of(UPSIDE_DOWN)}{{3,}}(?!\w)")
_ODD_TURNED = frozenset(UPSIDE_DOWN) - frozenset("abcdefghijklmnopqrstuvwxyz")
_STYLES, _SMALLS, _RAISES, _TURNS = map(str.maketrans, (STYLED, SMALL_CAPITALS, RAISED, UPSIDE_DOWN))

_LEAST_STYLED = 2  # letters: one alone is a bullet or a symbol
_LEAST_UNKNOWN = 4  # letters of a word that nobody listed; fewer are symbols of a formula, or an abbreviation
_LEAST_UPSIDE_DOWN = 4


def styled(text: str) -> Found:
    """Styled letters become plain ones where they make a word.

    Where they make none that is known or could be spoken (`mc` in a formula), and where full-width letters stand
    beside ideographs, they become plain ones without a mark.
    """
    ideographs = bool(_IDEOGRAPH.search(text))
    edits, marked = [], False
    for word in _STYLED_WORD.finditer(text):
        plain = word[0].translate(_STYLES)
        odd = sum(old != new for old, new in zip(word[0], plain, strict=True))
        if odd < _LEAST_STYLED and (odd == len(plain) or not is_word(plain)):
            continue
        edits.append(Edit(*word.span(), plain))
        innocent = ideographs and WIDE.issuperset(word[0])
        marked = marked or (not innocent and _reads(plain))
    return Found(edits, marked)


def _reads(plain: str) -> bool:
    letters = "".join(filter(str.isalpha, plain))
    return is_word(plain) or (len(letters) >= _LEAST_UNKNOWN and is_pronounceable(letters))


def small_letters(text: str) -> Found:
    """Words of small capitals, of raised letters, of flags' letters, or upside down, where a word results."""
    edits = [
        *(Edit(*word.span(), plain) for word in _SMALL_WORD.finditer(text) if (plain := _small(word))),
        *(
            Edit(*word.span(), plain)
            for word in _RAISED_WORD.finditer(text)
            if _reads(plain := word[0].translate(_RAISES))
        ),
        *(edit for word in _FLAG_WORD.finditer(text) for edit in _of_flags(word)),
    ]
    return Found(sorted(edits), bool(edits))


def _small(word: re.Match[str]) -> str | None:
    plain = word[0].translate(_SMALLS)
    return plain if _reads(plain) and not is_phonetic(word.string, word.start(), word.end()) else None


def _of_flags(word: re.Match[str]) -> list[Edit]:
    letters = [(place, REGIONAL[letter]) for place, letter in enumerate(word[0], word.start()) if letter in REGIONAL]
    if not is_word("".join(letter for _, letter in letters)):
        return []
    edits, end = [], word.start()
    for place, letter in letters:
        edits += [Edit(end, place, "")] if end < place else []
        edits.append(Edit(place, place + 1, letter))
        end = place + 1
    return edits


def upside_down(text: str) -> Found:
    """Words upside down are turned round where a known word results; each by itself, the order of words stays."""
    edits = []
    for word in _TURNED_WORD.finditer(text):
        plain = word[0].translate(_TURNS)[::-1]
        if len(plain) >= _LEAST_UPSIDE_DOWN and not _ODD_TURNED.isdisjoint(word[0]) and is_word(plain):
            edits.append(Edit(*word.span(), plain, backwards=True))
    return Found(edits, bool(edits))
