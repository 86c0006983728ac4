"""Texts with digits and signs of other scripts as ASCII has them, escapes undone, and without what nobody sees."""

import re
import unicodedata
from typing import Final

_UNSEEN_CHARACTERS: Final = (
    r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_UNSEEN: Final = re.compile(_UNSEEN_CHARACTERS)
# Of URLs, and of JSON inside of a text or broken: `\n` before a number would be a letter that the number is glued to
_ESCAPE: Final = (
    r"\\(?:[\"/nrtbf]|u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u(?![dD][89a-fA-F])[0-9A-Fa-f]{4})"
    r"|%(?:40|2[Bb])"
)
_OTHERWISE: Final = re.compile(f"{_ESCAPE}|{_UNSEEN_CHARACTERS}")
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " ", "/": "/", '"': '"'}
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)  # the printable characters of ASCII, as wide as ideographs
_FULL_WIDTH_OFFSET: Final = 0xFEE0
_DASHES: Final = ("Pd",)  # hyphens and dashes of every length
_SPACES: Final = ("Zs",)
_DOTS: Final = "\N{MIDDLE DOT}\N{BULLET}\N{HYPHENATION POINT}\N{DOT OPERATOR}"  # between groups of digits


class _Folding(dict[int, int]):
    """What each character becomes, worked out when it is first met: all of Unicode would take 100 ms."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        digit = unicodedata.digit(character, None)
        category = unicodedata.category(character)
        if digit is not None:
            plain = ord(str(digit))
        elif code in _FULL_WIDTH:
            plain = code - _FULL_WIDTH_OFFSET
        elif category in _DASHES or character == "\N{MINUS SIGN}":
            plain = ord("-")
        elif category in _SPACES or character in _DOTS:
            plain = ord(" ")
        else:
            plain = code
        self[code] = plain  # never more entries than Unicode has characters
        return plain


_FOLDING: Final = _Folding()


def folded(text: str) -> str:
    r"""The text as finders read it; as long as it came, but for escapes and characters that nobody sees.

    Example:
        >>> folded("\uff10\uff17\u0669\u0661\u0661\u2011\u200b123")
        '07911-123'
    """
    if "\\" in text or "%" in text:
        text = _OTHERWISE.sub(_read, text)
    elif not text.isascii() or not text.isprintable():
        text = _UNSEEN.sub("", text)
    return text if text.isascii() else text.translate(_FOLDING)


def origins(text: str) -> list[tuple[int, int]]:
    """For every character of the folded text the place of what it was read from: where it begins, and its end."""
    places: list[tuple[int, int]] = []
    place = 0
    for match in _OTHERWISE.finditer(text):
        places += [(plain, plain + 1) for plain in range(place, match.start())]
        places += [match.span()] * len(_read(match))
        place = match.end()
    return places + [(plain, plain + 1) for plain in range(place, len(text))]


def _read(match: re.Match[str]) -> str:
    written = match[0]
    if written[0] == "%":
        return "@" if written == "%40" else "+"
    if written[0] != "\\":
        return ""
    if written[1] != "u":
        return _SHORT[written[1]]
    code = int(written[2:6], 16)
    if len(written) > len("\\u0000"):  # a surrogate pair
        code = 0x10000 + (code - 0xD800 << 10) + int(written[8:], 16) - 0xDC00
    character = chr(code)
    return " " if character.isspace() or code < ord(" ") else _UNSEEN.sub("", character)
