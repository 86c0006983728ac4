"""Telephone numbers, by the numbering plans of the regions that are set."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.redaction.budget import Budget
from textsieve.worker.redaction.spans import BLANK, EDGE_AFTER, EDGE_BEFORE, Span, blanked

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
_MOST_WORDS: Final = 8  # of a number that stands beside another one: +33 6 12 34 56 78 has six
_REMEMBERED: Final = 10_000  # candidates, about 4 MB: campaigns name the same number again and again
_LEAST_DIGITS, _MOST_DIGITS = 7, 15  # of a number: E.164 has no more, and shorter ones need no secrecy
_WORD: Final = re.compile(r"[^ \0]+")
_NO_REGION: Final = ("ZZ",)  # there a number begins with +

PhoneFinder = Callable[[str, Budget], Sequence[Span]]  # like Finder; takes what it looks up from the budget


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was found in a candidate, and how many lookups it took: the same whether it was remembered or not."""

    numbers: Sequence[Span]
    lookups: int


_Ask = Callable[[str], _Answer]


def phones(regions: Sequence[str]) -> PhoneFinder:
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


def _find(ask: _Ask, text: str, budget: Budget) -> Sequence[Span]:
    found: list[Span] = []
    place = 0
    if not _SOME_DIGITS.search(text):
        return found
    text = _DECIMAL.sub(_blank, _DATE.sub(_blank, text))
    while (candidate := _CANDIDATE.search(text, place)) is not None:
        start, place = candidate.span()
        inside = _asked(ask, candidate[0], budget)
        found += [Span(start + number.start, start + number.end, number.value) for number in inside]
        if inside and place - start >= _LONG:
            place = found[-1].end
    text = blanked(text, found)
    glued = (_beginning(ask, match, budget) for match in _GLUED.finditer(text))
    return sorted([*found, *(span for span in glued if span is not None)])


def _asked(ask: _Ask, candidate: str, budget: Budget) -> Sequence[Span]:
    """The numbers in a candidate; all of it where nothing may be asked any more."""
    if budget.left < 1:
        return [Span(0, len(candidate), candidate)]
    answer = ask(candidate)
    budget.left -= answer.lookups
    return answer.numbers


def _beginning(ask: _Ask, glued: re.Match[str], budget: Budget) -> Span | None:
    """The longest number with which a run of digits begins that is too long for one."""
    start, digits = glued.start(1), glued[1]
    for count in _TRUNK_DIGITS:
        for number in _asked(ask, digits[:count], budget) if len(digits) >= count else ():
            if number.start == 0 and number.end == count:
                return Span(start, start + count, number.value)
    return None


def _blank(match: re.Match[str]) -> str:
    return BLANK * len(match[0])


def _numbers(library: Any, regions: tuple[str, ...], candidate: str) -> _Answer:
    """The numbers in a candidate, by their place in it, in the form of E.164."""
    found: list[Span] = []
    lookups = 0
    for region in regions:
        for look in (_matches, _side_by_side):
            if _SOME_DIGITS.search(candidate):
                answer = look(library, region, candidate)
                candidate = blanked(candidate, answer.numbers)
                found += answer.numbers
                lookups += answer.lookups
    return _Answer(sorted(found), lookups)


def _matches(library: Any, region: str, candidate: str) -> _Answer:
    numbers: list[Span] = []
    for match in library.PhoneNumberMatcher(candidate, region, library.Leniency.VALID):
        if _LONG_GROUP.search(match.raw_string):
            number = library.format_number(match.number, library.PhoneNumberFormat.E164)
            inside = match.raw_string.startswith("(") and ")" not in match.raw_string  # the number is, in brackets
            numbers.append(Span(match.start + inside, match.end, number))
    return _Answer(numbers, 1)


def _side_by_side(library: Any, region: str, candidate: str) -> _Answer:
    """Numbers that the library does not take apart, with nothing but a blank between them; the longest first."""
    words = [word.span() for word in _WORD.finditer(candidate)]
    numbers: list[Span] = []
    place = lookups = 0
    for first, (start, _) in enumerate(words):
        for _, end in reversed(words[first : first + _MOST_WORDS] if start >= place else ()):
            piece = candidate[start:end]
            if not _LEAST_DIGITS <= sum(map(str.isdecimal, piece)) <= _MOST_DIGITS:
                continue
            lookups += 1
            whole = [span for span in _matches(library, region, piece).numbers if _is_all(piece, span)]
            if whole:
                numbers.append(Span(start + whole[0].start, start + whole[0].end, whole[0].value))
                place = end
                break
    return _Answer(numbers, lookups)


def _is_all(piece: str, span: Span) -> bool:
    """Whether nothing but brackets is left of a piece."""
    return not piece[: span.start].strip("(") and not piece[span.end :].strip(")")
