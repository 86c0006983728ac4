"""The whole of it: characters first, then words; a text without anything odd is returned as it is."""

import re

from worker.normalization.alphabets import FOREIGN, INVISIBLE, MARKS, STYLED
from worker.normalization.characters import (
    without_invisible,
    without_lookalikes,
    without_marks,
    without_styles,
)
from worker.normalization.words import join_letters, undo_leet
from worker.records import Reading

_BEYOND = re.compile("[^\x00-\xac\xae-\xff]")  # English and most of what western Europe writes ends before it
_STEPS = (  # each with the characters without which it has nothing to do
    (INVISIBLE, without_invisible),
    (frozenset(STYLED), without_styles),
    (MARKS, without_marks),
    (FOREIGN, without_lookalikes),
)
_ODD = frozenset[str]().union(*(characters for characters, _ in _STEPS))


def normalize(text: str) -> Reading:
    """The text in the letters it is read as; pure, and the same for its own result unless disguises are piled up.

    What is undone: characters inside a word that show nothing, letters in other clothes (mathematical, full-width,
    enclosed, small capitals), stacks of marks, letters of another script inside a word, single letters with something
    between them, digits for letters inside a word. Everything else stays, whatever the language: single accents, case,
    emoji, numbers, the short forms of text messages. `obfuscated` is True where one of these was found; what also
    happens innocently (full-width letters beside ideographs, soft hyphens, marks that have a composed form) is undone
    without it.

    Example:
        >>> normalize("Cl@im your f r e e pr1ze")
        Reading(text='Claim your free prize', obfuscated=True)
        >>> normalize("C u 2nite @ 7, gr8!")
        Reading(text='C u 2nite @ 7, gr8!', obfuscated=False)
    """
    obfuscated = False
    reading = text
    if not text.isascii() and _BEYOND.search(text):
        odd = _ODD.intersection(text)
        for characters, step in _STEPS if odd else ():
            if not characters.isdisjoint(odd):
                found = step(reading)
                reading, obfuscated = found.text, obfuscated or found.obfuscated
    spelled = undo_leet(join_letters(reading))
    return Reading(spelled, obfuscated or spelled != reading)


def verbatim(text: str) -> Reading:
    """The text as it came."""
    return Reading(text, obfuscated=False)
