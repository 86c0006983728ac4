"""Bank accounts: IBANs as long as their country makes them, with the right check digits."""

import re
from collections.abc import Sequence
from typing import Final

from textsieve.worker.redaction.checksums import passes_mod97
from textsieve.worker.redaction.spans import Span

# The IBAN registry of SWIFT: characters in all, by country.
_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
_BEGINNING: Final = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[ -]?\d[ -]?\d(?=[ -]?[A-Za-z0-9])")
_SEPARATORS: Final = str.maketrans("", "", " -.")
_TAIL: Final = {
    length: re.compile(rf"(?:[ .-]?[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])") for length in set(_LENGTHS.values())
}


def ibans(text: str) -> Sequence[Span]:
    """IBANs in one piece or in groups, in capitals or not."""
    found: list[Span] = []
    for beginning in _BEGINNING.finditer(text):
        length = _LENGTHS.get(beginning[1].upper())
        tail = None if length is None else _TAIL[length].match(text, beginning.end())
        if tail is not None:
            iban = (beginning[0] + tail[0]).translate(_SEPARATORS).upper()
            if passes_mod97(iban):
                found.append(Span(beginning.start(), tail.end(), iban))
    return _apart(found)


def _apart(found: Sequence[Span]) -> Sequence[Span]:
    """Those that do not begin inside the one before."""
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
