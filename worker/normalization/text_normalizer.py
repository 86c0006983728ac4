"""The whole of it: rule after rule; a text without anything odd is returned as it is."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from textsieve.worker.normalization.alphabets import (
    BACKWARDS,
    COMBINING_MARKS,
    FOREIGN,
    INVISIBLE,
    ODD_LATIN,
    RAISED,
    REGIONAL,
    SMALL_CAPITALS,
    STYLED,
    UPSIDE_DOWN,
)
from textsieve.worker.normalization.combining_marks import marks
from textsieve.worker.normalization.edits import Found, apply, map_offsets
from textsieve.worker.normalization.format_characters import bidi_override, invisible
from textsieve.worker.normalization.homoglyphs import homoglyphs
from textsieve.worker.normalization.leet import SOMEWHERE as SIGN_SOMEWHERE
from textsieve.worker.normalization.leet import leet
from textsieve.worker.normalization.spaced import SOMEWHERE as APART_SOMEWHERE
from textsieve.worker.normalization.spaced import spaced
from textsieve.worker.normalization.styled import small_letters, styled, upside_down
from textsieve.worker.records import NormalizedText

_BEYOND = re.compile("[^\x00-\xac\xae-\xff]")  # English and most of what western Europe writes ends before it
_ASCII = frozenset(map(chr, range(128)))
# In their order, each with the characters without which it has nothing to do
_OF_CHARACTERS: tuple[tuple[str, frozenset[str], Callable[[str], Found]], ...] = (
    ("bidi", frozenset(BACKWARDS), bidi_override),
    ("styled", frozenset(REGIONAL), small_letters),
    ("invisible", INVISIBLE, invisible),
    ("marks", COMBINING_MARKS, marks),
    ("styled", frozenset(STYLED), styled),
    ("styled", frozenset((*SMALL_CAPITALS, *RAISED)), small_letters),
    ("turned", frozenset(UPSIDE_DOWN) - _ASCII, upside_down),
    ("homoglyphs", FOREIGN | ODD_LATIN, homoglyphs),
)
_OF_WORDS = (("spaced", APART_SOMEWHERE, spaced), ("leet", SIGN_SOMEWHERE, leet))
_ODD = frozenset[str]().union(*(characters for _, characters, _ in _OF_CHARACTERS))
RULES: Final = ("invisible", "bidi", "styled", "turned", "marks", "homoglyphs", "spaced", "leet")
ALL: Final = frozenset(RULES)


def normalize(text: str, rules: frozenset[str] = ALL) -> NormalizedText:
    """The text in the letters it is read as; pure, and the same for its own result unless disguises are piled up.

    What is undone: characters inside a word that show nothing, signs that turn the direction, styled letters
    (mathematical, full-width, enclosed, small capitals, raised) or upside down, stacks of marks, letters of another
    script inside a word, single letters with something between them, digits and signs for letters. Everything else
    stays, whatever the language: single accents, case, emoji, numbers, the short forms of text messages. What also
    happens innocently (full-width letters beside ideographs, soft hyphens, marks that have a composed form) is undone
    without a word.

    Args:
        text: as it came.
        rules: those of `RULES` that are applied.

    Example:
        >>> normalize("Cl@im your f r e e pr1ze")
        NormalizedText(text='Claim your free prize', rules=('spaced', 'leet'))
        >>> normalize("C u 2nite @ 7, gr8!")
        NormalizedText(text='C u 2nite @ 7, gr8!', rules=())
    """
    if (text.isascii() or not _BEYOND.search(text)) and not (
        SIGN_SOMEWHERE.search(text) or APART_SOMEWHERE.search(text)
    ):
        return NormalizedText(text, ())
    marked = set()
    for name, found, after in _passes(text, rules):
        text = after
        if found.marked:
            marked.add(name)
    return NormalizedText(text, tuple(rule for rule in RULES if rule in marked))


def offset_mapping(text: str, rules: frozenset[str] = ALL) -> tuple[int, ...]:
    """For every character of the normalised text, the place of the character in the text as it came.

    Args:
        text: as it came.
        rules: as `normalize` was given them.

    Example:
        >>> offset_mapping("f r e e")
        (0, 2, 4, 6)
    """
    places = list(range(len(text)))
    for _, found, _ in _passes(text, rules):
        places = map_offsets(places, found.edits)
    return tuple(places)


def _passes(text: str, rules: frozenset[str]) -> Iterator[tuple[str, Found, str]]:
    """What each rule changes, one after the other, and the text that it leaves."""
    if not text.isascii() and _BEYOND.search(text):
        odd = _ODD.intersection(text)
        for name, characters, rule in _OF_CHARACTERS if odd else ():
            if name in rules and not characters.isdisjoint(odd):
                found = rule(text)
                if found.edits:
                    text = apply(text, found.edits)
                    yield name, found, text
    for name, somewhere, rule in _OF_WORDS:
        if name in rules and (somewhere.search(text) or "€" in text):
            found = rule(text)
            if found.edits:
                text = apply(text, found.edits)
                yield name, found, text


def normalizer(rules: Iterable[str]) -> Callable[[str], NormalizedText]:
    """What gives a model the text as it reads by these rules; none of them leaves it as it came."""
    chosen = frozenset(rules)
    if chosen == ALL:
        return normalize
    return partial(normalize, rules=chosen) if chosen else identity


def identity(text: str) -> NormalizedText:
    """The text as it came."""
    return NormalizedText(text, ())
