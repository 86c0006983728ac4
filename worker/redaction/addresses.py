"""Addresses on the internet: e-mail, IP, and what stands behind the question mark of a URL."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from textsieve.worker.redaction.spans import Span, blanked

_LABELS: Final = r"[\w-]++(?:\.[\w-]++)++"
# begins where a run of its characters begins, so that no character is looked at from two starts
_EMAIL: Final = re.compile(rf"(?<![\w.+%-])(?<![\w.+%-]['&])[\w.+%-]++(?:['&][\w.+%-]++)*+@{_LABELS}")
_TOP_LEVEL: Final = re.compile(r"\.(?:xn--[A-Za-z0-9-]++|[^\W\d_]{2,}+)")
# any query of a URL with a scheme, and `?name=` or `#name=` behind anything
_BEHIND: Final = r"([^\s<>\"\0]++)"
_QUERY: Final = re.compile(rf"(?<=\S)[?#](?=[\w.~%+\[\]-]{{1,64}}=){_BEHIND}")
_WITH_QUERY: Final = re.compile(rf"(?<![^\s<>\"\0])([^\s?<>\"\0]++)\?{_BEHIND}")
_URL: Final = re.compile(r"://|www\.", re.IGNORECASE)
_SENTENCE_END: Final = ".,;:!?'\")]}"
_IPV4: Final = re.compile(r"(?<![^\W_])(?<!\.)(?:\d{1,3}\.){3}\d{1,3}(?![^\W_]|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}+:[0-9A-Fa-f:.]*+(?!\w)")
_COLONS: Final = 2  # that an address has at least
_TWO_NUMBERS: Final = re.compile(r"\d\.\d")  # far quicker to look for than an address
_LONGEST_IPV6: Final = 45  # characters, with an IPv4 address at its end


def emails(text: str) -> Sequence[Span]:
    """E-mail addresses whose domain has a dot, in letters of any script."""
    if "@" not in text:
        return ()
    found: list[Span] = []
    for match in _EMAIL.finditer(text):
        at = match[0].rindex("@")
        tops = [top.end() for top in _TOP_LEVEL.finditer(match[0], at)]
        if tops:  # what is glued behind the last label of letters is no part of it
            found.append(Span(match.start(), match.start() + tops[-1], match[0][: tops[-1]].lower()))
    return found


def queries(text: str) -> Sequence[Span]:
    """What stands behind `?` or `#` in a URL: tokens, names, numbers; the rest of the URL stays."""
    if "?" not in text and "#" not in text:
        return ()
    places = [match.span(1) for match in _QUERY.finditer(text)]
    if "?" in text and _URL.search(text):
        places += [match.span(2) for match in _WITH_QUERY.finditer(text) if _URL.search(match[1])]
    found: list[Span] = []
    for start, end in sorted(places):
        value = text[start:end].rstrip(_SENTENCE_END)
        if value and (not found or start >= found[-1].end):
            found.append(Span(start, start + len(value), value))
    return found


def ip_addresses(text: str) -> Sequence[Span]:
    """IPv4 and IPv6 addresses; never one with leading zeros, as dates and times have them."""
    found: list[Span] = []
    if text.count(":") >= _COLONS:
        found = [span for match in _IPV6.finditer(text) if (span := _ipv6(match)) is not None]
        text = blanked(text, found)
    if _TWO_NUMBERS.search(text):
        found += [Span(*match.span(), match[0]) for match in _IPV4.finditer(text) if _is_ip(match[0])]
    return sorted(found)


def _ipv6(match: re.Match[str]) -> Span | None:
    written = match[0].rstrip(":.") + ("::" if match[0].endswith("::") else "")
    # `add::1` and `::2` are addresses to the letter: real ones have more to them
    several = written.count(":") > 2 or ("::" in written and len(written) > 6)  # noqa: PLR2004  # of a shortest one
    if len(written) > _LONGEST_IPV6 or not several or not any(map(str.isdecimal, written)) or not _is_ip(written):
        return None
    return Span(match.start(), match.start() + len(written), ipaddress.ip_address(written).compressed)


def _is_ip(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True
