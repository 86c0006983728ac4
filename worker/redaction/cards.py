"""Numbers of payment cards: as long as their issuer makes them, with the right check digit."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from textsieve.worker.redaction.checksums import passes_luhn
from textsieve.worker.redaction.spans import EDGE_AFTER, EDGE_BEFORE, Span

SHORTEST, LONGEST = 12, 19  # digits, ISO/IEC 7812-1
# groups of digits with one sign or two blanks between them: numbers and years beside a card belong to the run as well
_RUN: Final = re.compile(rf"{EDGE_BEFORE}\d++(?:(?: ?[ \t./-] ?|  )\d++)*+{EDGE_AFTER}")
_ENOUGH: Final = re.compile(r"\d(?:\D{0,3}\d){11}")
_GROUP: Final = re.compile(r"\d+")
_GROUPED: Final = (  # as cards are printed, and as people type them
    (4, 4, 4, 4),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 2),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 5),
    (4, 4, 4, 1),
    (4, 4, 4, 2),
    (4, 4, 4, 3),
    (6, 13),
    (8, 8),
)


def _issuers() -> Iterator[tuple[range, tuple[int, ...]]]:
    """The first four digits that an issuer has, and how many digits its numbers may have."""
    yield range(4000, 5000), (13, 16, 19)  # Visa
    yield range(5100, 5600), (16,)  # Mastercard
    yield range(2221, 2721), (16,)  # Mastercard
    yield range(2200, 2205), (16, 19)  # Mir
    yield range(3400, 3500), (15,)  # American Express
    yield range(3700, 3800), (15,)  # American Express
    yield range(3528, 3590), (16, 19)  # JCB
    yield range(3000, 3060), (14, 16, 19)  # Diners Club
    yield range(3095, 3096), (14, 16, 19)  # Diners Club
    yield range(3600, 3700), (14, 16, 19)  # Diners Club
    yield range(3800, 4000), (14, 16, 19)  # Diners Club
    yield range(6011, 6012), (16, 19)  # Discover
    yield range(6440, 6600), (16, 19)  # Discover
    yield range(6200, 6300), (16, 17, 18, 19)  # UnionPay
    yield range(8100, 8300), (16,)  # UnionPay, RuPay
    yield range(5080, 5090), (16,)  # RuPay
    yield range(6069, 6090), (16,)  # RuPay
    for first in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763):
        yield range(first, first + 1), tuple(range(12, 20))  # Maestro


_LENGTHS: Final = {first: lengths for firsts, lengths in _issuers() for first in firsts}


def cards(text: str) -> Sequence[Span]:
    """Cards in one piece, grouped as they are printed, or grouped in any way with nothing else beside them."""
    found: list[Span] = []
    if not _ENOUGH.search(text):
        return found
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        if run.end() - run.start() >= SHORTEST:
            found += _in_groups(text, groups)
    return found


def _in_groups(text: str, groups: Sequence[tuple[int, int]]) -> Iterator[Span]:
    if (whole := _card(text, groups)) is not None:
        yield whole
        return
    first = 0
    while first < len(groups):
        for count in _counts(groups, first):
            card = _card(text, groups[first : first + count])
            if card is not None:
                yield card
                first += count
                break
        else:
            first += 1


def _counts(groups: Sequence[tuple[int, int]], first: int) -> Iterator[int]:
    """With how many groups a card may begin here, the most first."""
    sizes = tuple(end - start for start, end in groups[first : first + 5])
    for shape in _GROUPED:
        if sizes[: len(shape)] == shape:
            yield len(shape)
    if SHORTEST <= sizes[0] <= LONGEST:
        yield 1


def _card(text: str, groups: Sequence[tuple[int, int]]) -> Span | None:
    if not SHORTEST <= sum(end - start for start, end in groups) <= LONGEST:
        return None
    digits = "".join(text[start:end] for start, end in groups)
    lengths = _LENGTHS.get(int(digits[:4]))
    if lengths is None or len(digits) not in lengths or not passes_luhn(digits):
        return None
    return Span(groups[0][0], groups[-1][1], digits)
