"""Marks over, under and through letters: more of them than any spelling has."""

import re
import unicodedata

from textsieve.worker.normalization.alphabets import COMBINING_MARKS, FOREIGN, LATIN, OVERLAYS, STYLED, any_of
from textsieve.worker.normalization.edits import Edit, Found
from textsieve.worker.normalization.lexicon import is_word
from textsieve.worker.normalization.word_checks import is_phonetic

_LETTER = f"[{LATIN}\u1e00-\u1eff{any_of(FOREIGN | STYLED.keys())[1:-1]}]"
_MARKED = re.compile(f"({_LETTER}){any_of(COMBINING_MARKS)}+")
_WORD = re.compile(f"(?:{_LETTER}{any_of(COMBINING_MARKS)}*)+")
_OVERLAID = re.compile(any_of(OVERLAYS))

_LONGEST = 8  # characters of a letter with its marks that any spelling could need, generously
_MOST_MARKS = 2  # of a letter that has one without a composed form
_LEAST_LETTERS = 4  # of a word whose letters have one such mark each


def marks(text: str) -> Found:
    """Where a letter has more marks than a spelling gives it, or a line through it, all go that have no composed form.

    So they do where letters of an English word have one mark each that no language puts there. Single accents stay, and
    so do the two of Vietnamese and the three of ancient Greek.
    """
    letters = list(_MARKED.finditer(text))
    heaps = any(_is_heap(letter) for letter in letters) or any(map(_is_sprinkled, _WORD.finditer(text)))
    plain = _bare if heaps else _composed
    edits = [Edit(*letter.span(), new) for letter in letters if (new := plain(letter)) != letter[0]]
    return Found(edits, heaps)


def _is_heap(letter: re.Match[str]) -> bool:
    composed = _composed(letter)
    left = len(composed) - 1  # marks that no composed form takes up: spellings stop at one
    total = len(unicodedata.normalize("NFD", letter[0][:_LONGEST])) - 1
    heap = left > 1 or (left == 1 and total > _MOST_MARKS) or bool(_OVERLAID.search(composed))
    return heap and not (left <= _MOST_MARKS and is_phonetic(letter.string, *letter.span()))


def _is_sprinkled(word: re.Match[str]) -> bool:
    letters = list(_MARKED.finditer(word[0]))
    left = sum(len(_composed(letter)) > 1 for letter in letters)
    if left < max(2, len(letters) / 2):
        return False
    plain = _MARKED.sub(lambda letter: unicodedata.normalize("NFD", letter[1])[0], word[0])
    return len(plain) >= _LEAST_LETTERS and is_word(plain)


def _composed(letter: re.Match[str]) -> str:
    # Python sorts marks in quadratic time: a heap without end is not worth it
    return unicodedata.normalize("NFC", letter[0]) if len(letter[0]) <= _LONGEST else letter[0]


def _bare(letter: re.Match[str]) -> str:
    composed = _composed(letter)
    return composed if len(composed) == 1 else unicodedata.normalize("NFD", letter[1])[0]
