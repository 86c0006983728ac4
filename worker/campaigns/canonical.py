"""The text of a message without what changes from copy to copy: case, digits, links, blanks."""

import re
from typing import Final

MAX_CHARACTERS: Final = 2000  # compared of one text; what follows would cost more than it tells
LINK: Final = "\ue000"  # one character of the private use area: a link weighs as much in a text as a letter

_DIGIT = re.compile(r"\d")  # of all scripts


def canonical(text: str) -> str:
    """What two copies of a text have in common; linear in its length.

    Args:
        text: with disguises undone.

    Example:
        >>> canonical("Call  07741 now: https://a.example/x1")
        'call 00000 now: \ue000'
    """
    lowered = text[:MAX_CHARACTERS].lower()
    words = lowered.split()
    if "/" in lowered or "www." in lowered:
        words = [LINK if _is_link(word) else word for word in words]
    return _DIGIT.sub("0", " ".join(words))


def _is_link(word: str) -> bool:
    """Whether a word is an address with a scheme, with `www.`, or of a host and a path."""
    if "://" in word or "www." in word:
        return True
    host, slash, _ = word.partition("/")
    name, dot, end = host.rpartition(".")
    return bool(slash and dot and name) and end.isalpha()
