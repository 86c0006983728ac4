"""Spells out what could command a terminal."""

import unicodedata

# Joiners and spaces that writing needs, though Python calls them unprintable: emoji, Persian and Indic scripts, French
# and Chinese spacing. What turns the direction of a line around (Cf, as the joiners are) is not among them.
_HARMLESS = frozenset("\u200b\u200c\u200d\u2060\u00ad")


def printable(text: str, *, keep: str = "") -> str:
    r"""The text as it may be shown: escape sequences, line breaks, controls and overrides of direction are spelled out.

    Whoever sends a message or writes a file chooses its texts, ids, keys and names of labels and columns. Shown as they
    came they could clear a screen, change its title, fill a clipboard, or forge a line of ours.
    `rich.control.strip_control_codes` takes out five characters and leaves ESC; markup is another matter
    (`rich.text.Text`, or `markup=False`).

    Args:
        text: whatever came.
        keep: characters that stay as they are, such as the line breaks of a report.

    Example:
        >>> printable("FREE\x1b[2J\nspam")
        'FREE\\x1b[2J\\nspam'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or _is_harmless(char) else repr(char)[1:-1] for char in text)


def _is_harmless(char: str) -> bool:
    return char.isprintable() or char in _HARMLESS or unicodedata.category(char) == "Zs"
