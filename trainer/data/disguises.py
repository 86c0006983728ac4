"""Disguises texts, to train and to judge models: what senders do to get past filters, made up here and seeded.

The tables are wider than what the worker undoes (`worker.normalization`): a judge must not ask only what was learned.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from random import Random
from string import ascii_letters

SHARE_OF_WORDS = 0.5  # of a text, at least one
SHARE_OF_LETTERS = 0.5  # of a word, at least one, where a disguise goes letter by letter

_WORD = re.compile(r"[^\W\d_]{3,}")
_LOOKALIKES = {
    "a": "аɑα",
    "b": "Ьƅ",
    "c": "сϲ",
    "d": "ԁ",
    "e": "еєε",
    "g": "ɡց",
    "h": "һհ",
    "i": "іıι",
    "j": "јϳ",
    "k": "кκ",
    "l": "ӏ",
    "m": "м",
    "n": "пո",
    "o": "оοօ",
    "p": "рρ",
    "q": "ԛ",
    "r": "г",
    "s": "ѕꜱ",
    "t": "тτ",
    "u": "սυ",
    "v": "ѵν",
    "w": "ԝш",
    "x": "хχ",
    "y": "уγ",
    "z": "ᴢ",
}
_LEET = {"a": "4@", "b": "8", "e": "3", "g": "96", "i": "1!", "l": "1|", "o": "0", "s": "5$", "t": "7+", "z": "2"}
_ACCENTS = {**dict.fromkeys("aeiou", "\u0300\u0301\u0302\u0308"), "c": "\u0327", "n": "\u0303", "s": "\u030c"}
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\u2063\ufeff"
_MARKS = [chr(code) for code in range(0x300, 0x34F)]  # accents, hooks, rings and lines
_BETWEEN = " .-_*"
_FULL_WIDTH = 0xFF21  # A, and 32 further on a
_MATHEMATICAL = (0x1D400, 0x1D468, 0x1D4D0, 0x1D56C, 0x1D5D4, 0x1D670)  # A of bold, script and others; then B to z


def disguise(text: str, *, kind: str, seed: int) -> str:
    """The text with half of its words disguised; the same for the same arguments.

    Args:
        text: words of fewer than three letters stay as they are.
        kind: one of `KINDS`.
        seed: of which words, which letters and how.
    """
    rng = Random(f"{seed}/{kind}/{text}")
    words = list(_WORD.finditer(text))
    chosen = sorted(rng.sample(range(len(words)), k=max(1, round(len(words) * SHARE_OF_WORDS))) if words else ())
    parts, end = [], 0
    for number in chosen:
        word = words[number]
        parts += [text[end : word.start()], KINDS[kind](word[0], rng)]
        end = word.end()
    return "".join((*parts, text[end:]))


def _letter_by_letter(word: str, rng: Random, choices: Mapping[str, str], *, keep: bool = False) -> str:
    """Some letters become one of their choices, which follows the letter where that is kept."""
    possible = [place for place, letter in enumerate(word) if letter.lower() in choices]
    count = max(1, round(len(possible) * SHARE_OF_LETTERS)) if possible else 0
    chosen = set(rng.sample(possible, k=count))
    return "".join(
        (letter if keep else "") + rng.choice(choices[letter.lower()]) if place in chosen else letter
        for place, letter in enumerate(word)
    )


def _homoglyphs(word: str, rng: Random) -> str:
    return _letter_by_letter(word, rng, _LOOKALIKES)


def _leetspeak(word: str, rng: Random) -> str:
    return _letter_by_letter(word, rng, _LEET)


def _accents(word: str, rng: Random) -> str:
    return unicodedata.normalize("NFC", _letter_by_letter(word, rng, _ACCENTS, keep=True))


def _invisible(word: str, rng: Random) -> str:
    inside = _letter_by_letter(word[:-1], rng, dict.fromkeys(word[:-1].lower(), _INVISIBLE), keep=True)
    return inside + word[-1]


def _spaced(word: str, rng: Random) -> str:
    return rng.choice(_BETWEEN).join(word)


def _stacked_marks(word: str, rng: Random) -> str:
    return "".join(letter + "".join(rng.choices(_MARKS, k=rng.randint(2, 5))) for letter in word)


def _full_width(word: str, _rng: Random) -> str:
    return "".join(chr(_FULL_WIDTH + ord(letter) - ord("A")) if letter in ascii_letters else letter for letter in word)


def _mathematical(word: str, rng: Random) -> str:
    first = rng.choice(_MATHEMATICAL)
    alphabet = ascii_letters[26:] + ascii_letters[:26]  # as Unicode has them: capitals first
    return "".join(chr(first + alphabet.index(letter)) if letter in alphabet else letter for letter in word)


KINDS: Mapping[str, Callable[[str, Random], str]] = {
    "homoglyphs": _homoglyphs,
    "invisible characters": _invisible,
    "leetspeak": _leetspeak,
    "spaced letters": _spaced,
    "accents": _accents,
    "stacked marks": _stacked_marks,
    "full-width": _full_width,
    "mathematical": _mathematical,
}
