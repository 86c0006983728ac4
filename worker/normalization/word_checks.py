"""What a word looks like: whether it could be spoken, whether it is phonetic writing, which language is around it."""

import re
import unicodedata
from functools import lru_cache

from textsieve.worker.normalization.lexicon import is_word

_VOWELS = frozenset("aeiouy")
_PHONETIC = re.compile("[\u0250-\u02af\u02b0-\u02b8\u02c8\u02cc\u02d0\u02d1\u02e0-\u02e4]")  # of the IPA
_CHUNK = re.compile(r"\S+")
_MOST_CONSONANTS = 4  # in a row, in a word of western Europe
_WORD = re.compile(r"[^\W\d_]{3,}")
_ENGLISH_SHARE = 0.5  # of words, from which on a text counts as English; measured on SIB-200, see docs/quality.md
_LEAST_WORDS = 2  # of a text that can be told to be in another language
_REACH = 64  # characters looked at on either side of a word: all of a text without spaces, for each word, takes minutes


def is_pronounceable(letters: str) -> bool:
    """Whether vowels and consonants take turns as in a word of a language in Latin letters."""
    plain = unicodedata.normalize("NFD", letters.lower())
    kinds = "".join("v" if letter in _VOWELS else "c" for letter in plain if letter.isalpha())
    return "v" in kinds and "c" in kinds and "c" * (_MOST_CONSONANTS + 1) not in kinds and "vvvv" not in kinds


def is_phonetic(text: str, start: int, end: int) -> bool:
    """Whether what stands there is a pronunciation: between slashes or brackets, or beside signs of the IPA."""
    least = max(0, start - _REACH)
    first = max(least, *(text.rfind(space, least, start) + 1 for space in " \n\t"))
    behind = _CHUNK.match(text, end, end + _REACH)
    before, after = text[first:start], behind[0] if behind else ""
    return f"{before}{text[start]}"[0] in "/[" or bool(_PHONETIC.search(before + after))


@lru_cache(maxsize=1)  # rules ask again for every odd word of a text
def is_foreign(text: str) -> bool:
    """Whether a text in Latin letters is plainly not English: few of its words are known, and there are several."""
    words = [word for word in _WORD.findall(text) if word.islower()]
    return len(words) >= _LEAST_WORDS and sum(map(is_word, words)) < _ENGLISH_SHARE * len(words)
