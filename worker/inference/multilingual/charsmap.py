"""Packs replacements of characters into the form that the normalizer `Precompiled` of tokenizers reads."""

import struct
import unicodedata
from collections import deque
from collections.abc import Collection, Mapping
from itertools import count, groupby

_BLOCK = 256  # units whose places differ in the last byte only: a place XOR a byte never leaves one
_LEAF, _OFFSET, _VALUE = 1 << 8, 10, 1 << 31  # of a unit: as in darts-clone, whose double arrays SentencePiece uses
_LONGEST = 5  # bytes: longer clusters `Precompiled` reads character by character


def charsmap(replacements: Mapping[str, str]) -> bytes:
    """The packed map: the length of a double array, the double array, and the replacements, each ended by NUL.

    Args:
        replacements: characters, or short sequences of them, without NUL -> text without NUL.
    """
    texts = sorted(set(replacements.values()))
    places, place = {}, 0
    for text in texts:
        places[text] = place
        place += len(text.encode()) + 1
    units = _double_array({key.encode(): places[text] for key, text in replacements.items()})
    array = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(array)) + array + b"".join(text.encode() + b"\0" for text in texts)


def with_composed(replacements: Mapping[str, str]) -> dict[str, str]:
    """The replacements, and a letter and a mark beside it (e, acute) -> the one character that is both.

    SentencePiece's own map has them. It has longer sequences, too, which `Precompiled` does not find: it takes the
    shortest that fits.
    """
    composed = {}
    for character in map(chr, range(0x10000)):
        parts = unicodedata.normalize("NFD", character)
        short = len(parts) == 2 and len(parts.encode()) <= _LONGEST  # noqa: PLR2004 - a letter and a mark
        if short and parts[0] not in replacements and unicodedata.normalize("NFC", parts) == character:
            composed[parts] = replacements.get(character, character)
    return composed | dict(replacements)


def _double_array(values: Mapping[bytes, int]) -> list[int]:
    """The units of a trie: values below 2^31 by keys without NUL.

    A node's children lie at its base XOR their byte, the value of a key that ends there at the base itself. No two
    nodes share a base, so a unit that has the byte which is asked for is a child of the node that is asked.
    """
    units = [0] * _BLOCK
    taken, bases = {0}, {0}
    waiting = deque([(0, 0, 0, sorted(key + b"\0" for key in values))])  # place, byte and depth of a node, its keys
    tried: dict[int, int] = {}  # first child -> the place up to which none like it fits: they only fill
    while waiting:
        place, byte, depth, keys = waiting.popleft()
        children = {child: list(below) for child, below in groupby(keys, lambda key, at=depth: key[at])}  # type: ignore[misc]
        first = min(children)
        base = _base(children, tried.get(first, 1), taken, bases)
        tried[first] = base ^ first
        bases.add(base)
        taken.update(base ^ child for child in children)
        if base >= len(units):
            units += [0] * ((base | _BLOCK - 1) + 1 - len(units))
        units[place] = byte | (_LEAF if 0 in children else 0) | (place ^ base) << _OFFSET
        for child, below in children.items():
            if child:
                waiting.append((base ^ child, child, depth + 1, below))
            else:
                units[base] = _VALUE | values[below[0][:-1]]
    return units


def _base(children: Collection[int], start: int, taken: Collection[int], bases: Collection[int]) -> int:
    """A base that no node has and whose places for these children are free, the first of them at `start` or behind."""
    first = min(children)
    return next(
        place ^ first
        for place in count(start)
        if place ^ first not in bases and not any(place ^ first ^ child in taken for child in children)
    )
