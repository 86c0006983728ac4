"""Texts with digits and signs of other scripts as ASCII has them, and without what nobody sees."""

import re
import unicodedata
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)  # the printable characters of ASCII, as wide as ideographs
_FULL_WIDTH_OFFSET: Final = 0xFEE0
_DASHES: Final = ("Pd",)  # hyphens and dashes of every length
_SPACES: Final = ("Zs",)


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
        elif category in _SPACES:
            plain = ord(" ")
        else:
            plain = code
        self[code] = plain  # never more entries than Unicode has characters
        return plain


_FOLDING: Final = _Folding()


def folded(text: str) -> str:
    r"""The text as finders read it; as long as it came, but for characters that nobody sees.

    Example:
        >>> folded("\uff10\uff17\u0669\u0661\u0661\u2011\u200b123")
        '07911-123'
    """
    if text.isascii():
        return text
    return _UNSEEN.sub("", text).translate(_FOLDING)


def origins(text: str) -> list[int]:
    """For every character of the folded text, and for its end, the place of the character in the text as it came."""
    unseen = {match.start() for match in _UNSEEN.finditer(text)}
    return [place for place in range(len(text)) if place not in unseen] + [len(text)]
