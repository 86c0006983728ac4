"""Disguises of single characters: what shows nothing, what is decorated, what has the shape of another letter."""

import re
import unicodedata

from worker.normalization.alphabets import (
    FOREIGN,
    INVISIBLE,
    LATIN,
    LOOKALIKES,
    MARKS,
    OVERLAYS,
    SOFT_HYPHEN,
    STYLED,
    TO_CYRILLIC,
    TWINS,
    WIDE,
    any_of,
)
from worker.records import Reading

_FOREIGN = any_of(FOREIGN)[1:-1]
_CASED = any_of(FOREIGN | STYLED.keys())[1:-1] + f"0-9{LATIN}"  # scripts that need no joiners, and digits
_HIDDEN = re.compile(f"(?<=[{_CASED}{any_of(MARKS)[1:-1]}]){any_of(INVISIBLE)}+(?=[{_CASED}])")
_STYLED_RUN = re.compile(f"{any_of(STYLED)}+")
_IDEOGRAPH = re.compile("[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\U00020000-\U0003ffff]")
_MARKED = re.compile(f"([{LATIN}\u1e00-\u1eff{_FOREIGN}]){any_of(MARKS)}+")
_OVERLAID = re.compile(any_of(OVERLAYS))
_WORD = re.compile(r"[^\W\d_]+")
_LETTER, _OTHER = re.compile("[A-Za-z]"), re.compile(f"[{_FOREIGN}]")
_TO_LATIN, _TO_CYRILLIC, _TO_ASCII = map(str.maketrans, (LOOKALIKES, TO_CYRILLIC, STYLED))

_LONGEST = 8  # characters of a letter with its marks that any spelling could need, generously
_MOST_MARKS = 2  # of a letter that has one without a composed form
_LEAST_LETTERS = 2  # a lone letter of another script is a symbol, a lone styled one a bullet


def without_invisible(text: str) -> Reading:
    """Characters that show nothing go from inside words of scripts that have no use for them there."""
    runs = _HIDDEN.findall(text)
    if not runs:
        return Reading(text, obfuscated=False)
    return Reading(_HIDDEN.sub("", text), obfuscated=any(run.strip(SOFT_HYPHEN) for run in runs))


def without_styles(text: str) -> Reading:
    """Letters in other clothes become plain ones, unless one stands alone."""
    runs = [match for match in _STYLED_RUN.finditer(text) if _belongs_to_a_word(match)]
    if not runs:
        return Reading(text, obfuscated=False)
    parts, end = [], 0
    for match in runs:
        parts += [text[end : match.start()], match[0].translate(_TO_ASCII)]
        end = match.end()
    innocent = all(WIDE.issuperset(match[0]) for match in runs) and _IDEOGRAPH.search(text)
    return Reading("".join((*parts, text[end:])), obfuscated=not innocent)


def _belongs_to_a_word(run: re.Match[str]) -> bool:
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    return len(run[0]) >= _LEAST_LETTERS or bool(_LETTER.match(before) or _LETTER.match(after))


def without_marks(text: str) -> Reading:
    """Where a letter has more marks than a spelling gives it, or a line through it, all go that have no composed form.

    Single accents stay, and so do the two of Vietnamese and the three of ancient Greek.
    """
    heaps = any(map(_is_heap, _MARKED.finditer(text)))
    return Reading(_MARKED.sub(_bare if heaps else _composed, text), obfuscated=heaps)


def _is_heap(letter: re.Match[str]) -> bool:
    composed = _composed(letter)
    left = len(composed) - 1  # marks that no composed form takes up: spellings stop at one
    total = len(unicodedata.normalize("NFD", letter[0][:_LONGEST])) - 1
    return left > 1 or (left == 1 and total > _MOST_MARKS) or bool(_OVERLAID.search(composed))


def _composed(letter: re.Match[str]) -> str:
    # Python sorts marks in quadratic time: a heap without end is not worth it
    return unicodedata.normalize("NFC", letter[0]) if len(letter[0]) <= _LONGEST else letter[0]


def _bare(letter: re.Match[str]) -> str:
    composed = _composed(letter)
    return composed if len(composed) == 1 else unicodedata.normalize("NFD", letter[1])[0]


def without_lookalikes(text: str) -> Reading:
    """Words of two scripts become words of one, where every strange letter looks like one of it.

    They become Latin, and so do words of nothing but twins of Latin letters, unless a letter like no Latin one, or a
    whole word, shows that another script is meant: then those words stay, and in a text of more Cyrillic letters than
    Latin ones the Latin ones become Cyrillic.
    """
    if not _LETTER.search(text):
        return Reading(text, obfuscated=False)
    others, latin = _OTHER.findall(text), _LETTER.findall(text)
    meant = any(other not in LOOKALIKES for other in others) or any(map(_is_foreign, _WORD.findall(text)))
    if meant and len(others) >= len(latin):
        return _changed(text, _WORD.sub(_to_cyrillic, text))
    return _changed(text, _WORD.sub(_to_latin_if_mixed if meant else _to_latin, text))


def _is_foreign(word: str) -> bool:
    return not _LETTER.search(word) and any(other not in TWINS for other in _OTHER.findall(word))


def _to_latin(word: re.Match[str]) -> str:
    others = _OTHER.findall(word[0])
    if not others or len(word[0]) < _LEAST_LETTERS or not all(other in LOOKALIKES for other in others):
        return word[0]
    return word[0].translate(_TO_LATIN)


def _to_latin_if_mixed(word: re.Match[str]) -> str:
    return _to_latin(word) if _LETTER.search(word[0]) else word[0]


def _to_cyrillic(word: re.Match[str]) -> str:
    latin = _LETTER.findall(word[0])
    mixed = latin and "\u0400" <= max(_OTHER.findall(word[0]), default="") <= "\u052f"
    return word[0].translate(_TO_CYRILLIC) if mixed and all(letter in TO_CYRILLIC for letter in latin) else word[0]


def _changed(before: str, after: str) -> Reading:
    return Reading(after, obfuscated=before != after)
