"""Letters that have the shape of another script's letters."""

import re
from collections.abc import Iterator
from itertools import islice, product
from string import ascii_letters

from textsieve.worker.normalization.alphabets import (
    FOREIGN,
    LATIN,
    LOOKALIKES,
    ODD_LATIN,
    SECOND,
    SIMILAR,
    TO_CYRILLIC,
    TWINS,
    any_of,
)
from textsieve.worker.normalization.edits import Edit, Found
from textsieve.worker.normalization.lexicon import UNKNOWN, rank
from textsieve.worker.normalization.word_checks import is_foreign, is_phonetic, is_pronounceable

_FOREIGN = any_of(FOREIGN)[1:-1]
_WORD = re.compile(r"[^\W\d_]{2,}")  # a lone letter of another script is a symbol
_LETTER, _OTHER = re.compile("[A-Za-z]"), re.compile(f"[{_FOREIGN}]")
_STRANGE = re.compile(f"[{_FOREIGN}{any_of(ODD_LATIN)[1:-1]}]")
_GREEK, _CYRILLIC = re.compile("[\u0370-\u03ff]"), re.compile("[\u0400-\u052f]")
_UNWONTED = re.compile("[ѕԁԛԝһӏѵЅԚԜҺ]")  # of few languages, and not with the others in one word
# A foreign name with an ending: two scripts, one seam
_INFLECTED = re.compile(rf"[{LATIN}]{{2,}}[{_FOREIGN}]+|[{_FOREIGN}]{{2,}}[A-Z][{LATIN}]+")
_ASCII_LETTERS, _UNLIKE = frozenset(ascii_letters), FOREIGN - LOOKALIKES.keys()
_TO_LATIN, _TO_CYRILLIC = map(str.maketrans, (LOOKALIKES, TO_CYRILLIC))

_MOST_READINGS = 64  # of a word whose letters can be read in several ways
_LEAST_ALONE = 4  # letters of a word that has no Latin letter at all
_LEAST_UNKNOWN = 4  # letters of a mixed word that nobody listed


def homoglyphs(text: str) -> Found:
    """Words of two scripts become words of one, where every strange letter looks like one of it.

    They become Latin where an English word results, or where nothing but twins is exchanged, and so do words of nothing
    but twins of Latin letters where an English word results. A letter like no Latin one, or a whole word of another
    script, shows that this script is meant: then whole words stay, and in a text of more Cyrillic letters than Latin
    ones the Latin ones become Cyrillic.
    """
    letters = frozenset(text)
    if _ASCII_LETTERS.isdisjoint(letters) and not _UNLIKE.isdisjoint(letters):
        return Found()  # most texts in such a script
    others, latin = _OTHER.findall(text), _LETTER.findall(text)
    words = list(_WORD.finditer(text))
    meant = any(other not in LOOKALIKES for other in others) or any(_is_of_another(word[0]) for word in words)
    read = _as_cyrillic if meant and len(others) >= len(latin) else _as_mixed if meant else _as_latin
    edits = [Edit(*word.span(), new) for word in words if (new := read(word)) != word[0]]
    return Found(edits, bool(edits))


def _is_of_another(word: str) -> bool:
    if _LETTER.search(word) or all(other in TWINS for other in _OTHER.findall(word)):
        return False
    return not (_UNWONTED.search(word) and _known(word))


def _as_latin(word: re.Match[str]) -> str:
    if not _STRANGE.search(word[0]):
        return word[0]
    if _LETTER.search(word[0]):
        return _as_mixed(word)
    certain = all(map(TWINS.__contains__, word[0])) or _UNWONTED.search(word[0])
    return (_known(word[0]) if certain and len(word[0]) >= _LEAST_ALONE else None) or word[0]


def _as_mixed(word: re.Match[str]) -> str:
    strange = _STRANGE.findall(word[0])
    if not strange or not _LETTER.search(word[0]) or not all(map(SIMILAR.__contains__, strange)):
        return word[0]
    if ODD_LATIN.issuperset(strange) and (is_phonetic(word.string, *word.span()) or is_foreign(word.string)):
        return word[0]
    return _known(word[0]) or (word[0].translate(_TO_LATIN) if _is_certain(word[0], strange) else word[0])


def _is_certain(word: str, strange: list[str]) -> bool:
    """Whether a word of two scripts is one of Latin letters, though none that is known."""
    if _INFLECTED.fullmatch(word) or not all(map(LOOKALIKES.__contains__, strange)):
        return False
    if all(map(TWINS.__contains__, strange)):
        return True
    symbols = len(strange) == 1 or bool(_GREEK.search(word))  # the alpha of a helix, the gamma of a ray
    return not symbols and len(word) >= _LEAST_UNKNOWN and is_pronounceable(word.translate(_TO_LATIN))


def _known(word: str) -> str | None:
    """The reading of a word that is known best, in its own case; None where none is known."""
    best = min(_readings(word), key=rank)
    return best if rank(best) < UNKNOWN else None


def _readings(word: str) -> Iterator[str]:
    choices = [
        (SIMILAR.get(letter, letter), SECOND[letter]) if letter in SECOND else (SIMILAR.get(letter, letter),)
        for letter in word
    ]
    return map("".join, islice(product(*choices), _MOST_READINGS))


def _as_cyrillic(word: re.Match[str]) -> str:
    latin = _LETTER.findall(word[0])
    mixed = latin and _CYRILLIC.search(word[0]) and all(map(TO_CYRILLIC.__contains__, latin))
    return word[0].translate(_TO_CYRILLIC) if mixed and not _INFLECTED.fullmatch(word[0]) else word[0]
