"""Whether a word with digits and signs in it is a disguised one, or a name, a number or a code."""

import re
from typing import NamedTuple

from textsieve.worker.normalization.lexicon import COMMON, KNOWN, is_word
from textsieve.worker.normalization.word_checks import is_foreign, is_pronounceable

USUAL = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
_SPOKEN = {"2": "z", "6": "gb", "8": "b", "9": "g"}  # gr8, 4get: only inside a word
_PUNCTUATION = {"!": "il", "|": "li", "+": "t", "€": "e", "£": "el", "¥": "y", "¢": "c"}
RARE = _SPOKEN | _PUNCTUATION
READ_AS = USUAL | RARE

_PLURAL_OR_SHAPE = re.compile("3[Dd]s?$")  # vector3d
_SHORT_FORM = re.compile(r"[a-z]1\d[a-z]", re.IGNORECASE)  # l10n, a11y, i18n
_HEXADECIMAL = re.compile("[0-9a-f]{6,}")
_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)$")
_PRODUCT = re.compile("3[dk]s?$|4[jy]|py")

SHORTEST = 3
_LEAST_TRAILING = 4  # letters of a word with a digit at its end: mp3, gen3
_MOST_ALIKE = 2  # of the same sign in a row: fr33


class Word(NamedTuple):
    """A word with signs in it, taken apart."""

    text: str
    letters: str
    runs: list[re.Match[str]]  # of signs
    inside: bool  # every sign has a letter before it and behind it
    plain_case: bool  # small letters, with or without a capital in front


def is_known_disguise(word: Word, known: int) -> bool:
    """Whether a word that can be read as a known one is that word in disguise, and no name or code.

    Args:
        word: as it came.
        known: the rank of its best reading.
    """
    text, runs = word.text, word.runs
    if text == "$ex":
        return True
    if not _has_enough_letters(word) or not _rare_signs_are_inside(word, known):
        return False
    if len(text) == SHORTEST:
        return word.inside and word.plain_case and known == COMMON
    if _SHORT_FORM.fullmatch(text) or (_PLURAL_OR_SHAPE.search(text) and _is_shape(word)):
        return False
    if word.letters.isupper() and known == KNOWN and len(runs) == 1:
        return False  # names in capitals: OR4CLE
    if runs[0].start() == 0 and not _may_lead(word, known):
        return False
    return runs[-1].end() < len(text) or _may_trail(word, known)


def _has_enough_letters(word: Word) -> bool:
    signs = len(word.text) - len(word.letters)
    return signs <= len(word.letters) or (word.plain_case and len(word.text) > _LEAST_TRAILING)


def _rare_signs_are_inside(word: Word, known: int) -> bool:
    rare = [place for place, sign in enumerate(word.text) if sign in RARE]
    if any(word.text[place].isdigit() for place in rare) and (known > COMMON or len(word.text) <= _LEAST_TRAILING):
        return False
    # a sum begins with a sign of money, a sentence ends with one of exclamation
    first = 0 if len(word.runs) > 1 else 1
    return all(first <= place < len(word.text) - (word.text[place] not in "€+") for place in rare)


def _is_shape(word: Word) -> bool:
    stem = word.text[: word.runs[-1].start()]
    return len(word.runs) == 1 and (word.letters.isupper() or is_word(stem) or len(stem) < SHORTEST)


def _may_lead(word: Word, known: int) -> bool:
    first, rest = word.runs[0], word.text[1:]
    if (len(first[0]) > 1 and first[0].isdigit()) or (first[0] == "@" and len(word.runs) == 1):
        return False  # a number, or a name on social media
    if len(word.runs) > 1:
        return len(word.text) > _LEAST_TRAILING
    enough = len(rest) >= _LEAST_TRAILING if known == COMMON else len(rest) > _LEAST_TRAILING
    return word.letters.islower() and enough and not is_word(rest)


def _may_trail(word: Word, known: int) -> bool:
    text, last = word.text, word.runs[-1]
    stem = text[: last.start()]
    if len(last[0]) > 1 and last.start() > 0:
        return len(set(last[0])) == 1 or (word.plain_case and len(stem) >= SHORTEST - 1 and len(text) > _LEAST_TRAILING)
    if len(word.runs) > 1:
        return word.plain_case or known == COMMON
    if last[0] in "$€+":
        return True
    if last[0] == "0" and known == COMMON and word.letters.islower():
        return len(text) >= _LEAST_TRAILING  # hell0, though hell is a word
    if last[0] == "7" and word.letters.islower():
        return len(text) > _LEAST_TRAILING or not is_word(stem)
    if is_word(stem) or len(text) < _LEAST_TRAILING or (known == KNOWN and last[0] not in "37"):
        return False
    return word.letters.islower() or (len(text) > _LEAST_TRAILING and known == COMMON)


def is_disguise_by_shape(word: Word, around: str) -> bool:
    """Whether an unknown word is built like a disguised one."""
    text = word.text
    if not word.plain_case or any(sign in RARE for run in word.runs for sign in run[0]):
        return False
    if len(word.letters) <= len(text) - len(word.letters) or _ORDINAL.search(text):
        return False
    if len(text) < _LEAST_TRAILING or any(len(set(run[0])) > 1 or len(run[0]) > _MOST_ALIKE for run in word.runs):
        return False
    new = "".join(READ_AS.get(letter, letter)[0] for letter in text)
    if "@" in text or _HEXADECIMAL.fullmatch(text):
        return False  # an address, or a name on social media
    if not is_pronounceable(new):
        return False
    several = len(word.runs) > 1 and all(len(run[0]) == 1 for run in word.runs)
    if several and word.inside and len(text) > _LEAST_TRAILING:
        return True
    return _is_foreign_shape(word) and (not word.letters.isascii() or is_foreign(around))


def _is_foreign_shape(word: Word) -> bool:
    """As a word of another language may be disguised: nothing at the seam of two words, no name of a product."""
    text, first, last = word.text, word.runs[0], word.runs[-1]
    if _PRODUCT.search(text.lower()):
        return False
    if word.inside:
        parts = _parts(word)
        return not any(len(part) >= _LEAST_TRAILING and is_word(part) for part in parts) or len(word.runs) > 1
    return word.letters.islower() and (
        (first.start() == 0 and first[0] == "0") or (last.end() == len(text) and last[0] == "0")
    )


def _parts(word: Word) -> list[str]:
    ends = [0, *(run.end() for run in word.runs)]
    starts = [*(run.start() for run in word.runs), len(word.text)]
    return [word.text[end:start] for end, start in zip(ends, starts, strict=True)]
