"""Telephone numbers, by the numbering plans of the regions that are set."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Final

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.redaction.spans import BLANK, EDGE_AFTER, EDGE_BEFORE, Finder, Span, blanked

_CANDIDATE: Final = re.compile(rf"{EDGE_BEFORE}(?:\+ ?)?\(?\d(?:[ ./()-]{{0,3}}\d){{6,40}}{EDGE_AFTER}")
_DATE: Final = re.compile(  # beside a number it would be taken for a part of it
    r"(?<!\d)(?<!\d[./-])(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d\d|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2})(?![./-]?\d)"
)
# Prices, ages and hours that senders glue to a number: 08712345678150p, 0871234567818+, 087123456789am
_GLUED: Final = re.compile(rf"{EDGE_BEFORE}(0\d{{9,14}})(?=[+/]|[^\W\d_])")
_TRUNK_DIGITS: Final = (12, 11, 10)  # of a number with its leading 0
_DECIMAL: Final = re.compile(r"(?<![\w.])(?!0\d)\d{1,3}\.\d{3,8}(?![\d.]|[ -]\d)")
_LONG_GROUP: Final = re.compile(r"^\(?[+0]|\d{3}")  # what begins otherwise is no number without one
_SOME_DIGITS: Final = re.compile(r"\d(?:\D{0,3}\d){6}")
_LONG: Final = 40  # characters from which a candidate may have been cut inside a number
_MOST_ASKED: Final = 100  # candidates of one text that are looked up; what is beyond goes unasked: no text has so many
_REMEMBERED: Final = 10_000  # candidates, about 4 MB: campaigns name the same number again and again
_LEAST_DIGITS, _MOST_DIGITS = 7, 15  # of a number: E.164 has no more, and shorter ones need no secrecy
_WORD: Final = re.compile(r"[^ \0]+")
_NO_REGION: Final = ("ZZ",)  # there a number begins with +


def phones(regions: Sequence[str]) -> Finder:
    """What finds international numbers, and those that somebody in one of the regions would dial.

    Args:
        regions: ISO 3166 codes of two letters, in the order in which a number is tried.

    Raises:
        ConfigurationError: a region is unknown.
    """
    import phonenumbers  # noqa: PLC0415  # 40 ms and some MB, which only those pay who want phones

    unknown = [region for region in regions if region not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ConfigurationError(
            f"redact.regions: expected ISO 3166 codes such as GB or US, got {', '.join(unknown)}; correct them"
        )
    numbers = partial(_numbers, phonenumbers, tuple(regions) or _NO_REGION)
    return partial(_find, lru_cache(maxsize=_REMEMBERED)(numbers))


def _find(numbers: Finder, text: str) -> Sequence[Span]:
    found: list[Span] = []
    place = asked = 0
    if not _SOME_DIGITS.search(text):
        return found
    text = _DECIMAL.sub(_blank, _DATE.sub(_blank, text))
    while (candidate := _CANDIDATE.search(text, place)) is not None:
        start, place = candidate.span()
        if (asked := asked + 1) > _MOST_ASKED:
            found.append(Span(start, place, candidate[0]))
            continue
        inside = numbers(candidate[0])
        found += [Span(start + number.start, start + number.end, number.value) for number in inside]
        if inside and place - start >= _LONG:
            place = found[-1].end
    text = blanked(text, found)
    glued = (_beginning(numbers, match) for match in islice(_GLUED.finditer(text), _MOST_ASKED))
    return sorted([*found, *(span for span in glued if span is not None)])


def _beginning(numbers: Finder, glued: re.Match[str]) -> Span | None:
    """The longest number with which a run of digits begins that is too long for one."""
    start, digits = glued.start(1), glued[1]
    for count in _TRUNK_DIGITS:
        for number in numbers(digits[:count]) if len(digits) >= count else ():
            if number.start == 0 and number.end == count:
                return Span(start, start + count, number.value)
    return None


def _blank(match: re.Match[str]) -> str:
    return BLANK * len(match[0])


def _numbers(library: Any, regions: tuple[str, ...], candidate: str) -> Sequence[Span]:
    """The numbers in a candidate, by their place in it, in the form of E.164."""
    found: list[Span] = []
    for region in regions:
        for look in (_matches, _side_by_side):
            if _SOME_DIGITS.search(candidate):
                inside = list(look(library, region, candidate))
                candidate = blanked(candidate, inside)
                found += inside
    return sorted(found)


def _matches(library: Any, region: str, candidate: str) -> Iterator[Span]:
    for match in library.PhoneNumberMatcher(candidate, region, library.Leniency.VALID):
        if _LONG_GROUP.search(match.raw_string):
            number = library.format_number(match.number, library.PhoneNumberFormat.E164)
            inside = match.raw_string.startswith("(") and ")" not in match.raw_string  # the number is, in brackets
            yield Span(match.start + inside, match.end, number)


def _side_by_side(library: Any, region: str, candidate: str) -> Iterator[Span]:
    """Numbers that the library does not take apart, with nothing but a blank between them; the longest first."""
    words = [word.span() for word in _WORD.finditer(candidate)]
    place = 0
    for first, (start, _) in enumerate(words):
        ends = [end for _, end in words[first : first + _MOST_DIGITS] if start >= place]
        for end in reversed(ends):
            piece = candidate[start:end]
            if _LEAST_DIGITS <= sum(map(str.isdecimal, piece)) <= _MOST_DIGITS:
                whole = [span for span in _matches(library, region, piece) if _is_all(piece, span)]
                if whole:
                    yield Span(start + whole[0].start, start + whole[0].end, whole[0].value)
                    place = end
                    break


def _is_all(piece: str, span: Span) -> bool:
    """Whether nothing but brackets is left of a piece."""
    return not piece[: span.start].strip("(") and not piece[span.end :].strip(")")
