"""Whole messages without what is personal or secret in them: values of JSON, and bytes that may be anything."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from textsieve.worker.redaction.budget import Budget
from textsieve.worker.redaction.redactor import Redactor

_LEAST: Final = 10**6  # a smaller number is no telephone number, card or account
_MOST: Final = 10**16  # bare numbers from here on are ids: one in fifty random ones of 19 digits would pass for a card
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RedactedValue:
    """A value that may be kept, and how often something of each kind was taken out of it."""

    value: bytes
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Fields:
    """Fields of an object whose names may have become alike: none of their values is lost.

    Example:
        >>> fields = Fields()
        >>> fields.add("[email]", 1)
        >>> fields.add("[email]", 2)
        >>> fields.values
        {'[email]': 1, '[email]#2': 2}
    """

    values: dict[str, object] = field(default_factory=dict)
    _alike: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, value: object) -> None:
        """Add a field, under its name and a number where the name is taken."""
        unique = name
        while unique in self.values:
            self._alike[name] += 1
            unique = f"{name}#{self._alike[name] + 1}"
        self.values[unique] = value


def redact_json(
    redactor: Redactor, raw: bytes, *, tenant: str | None = "", budget: Budget | None = None
) -> RedactedValue:
    """One value of JSON: every string in it, names of fields and long numbers included.

    A value without fields in which nothing is found stays byte for byte; objects are written anew, because one that
    names a field twice would keep what only its second one shows.

    Args:
        redactor: what is taken out, and what stands in its place.
        raw: the value.
        tenant: see Redactor.redact.
        budget: of the message that the value is a part of; None: it is all of the message.

    Raises:
        msgspec.DecodeError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    counts: Counter[str] = Counter()
    clean = _clean(_decode(raw), partial(_counted, redactor, tenant, budget or Budget(), counts))
    if not counts and raw.lstrip()[:1] not in b"{[":
        return RedactedValue(raw)
    return RedactedValue(_encode(clean), counts)


def redact_bytes(redactor: Redactor, value: bytes, *, tenant: str | None = "") -> RedactedValue | None:
    """The value of a message that may be JSON, text or neither; None where it is no text, so nobody can say.

    Bytes in which nothing is found stay as they are.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    try:
        clean = redact_json(redactor, value, tenant=tenant)
        if clean.counts or not _names_twice(text):
            return clean if clean.counts else RedactedValue(value)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # text, then
    redacted = redactor.redact(text, tenant=tenant)
    return RedactedValue(redacted.text.encode(), redacted.counts) if redacted.counts else RedactedValue(value)


def _names_twice(text: str) -> bool:
    """Whether an object in a text of JSON names a field twice: what only its first one holds was not looked at.

    Raises:
        RecursionError: it is nested too deeply.
    """
    twice = False

    def pairs(fields: list[tuple[str, object]]) -> None:
        nonlocal twice
        twice |= len(dict(fields)) < len(fields)

    json.loads(text, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return twice


def _counted(redactor: Redactor, tenant: str | None, budget: Budget, counts: Counter[str], text: str) -> str:
    redacted = redactor.redact(text, tenant=tenant, budget=budget)
    counts.update(redacted.counts)
    return redacted.text


def _clean(value: object, redact: partial[str]) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        clean_fields = Fields()
        for name, inner in value.items():
            clean_fields.add(redact(name), _clean(inner, redact))
        return clean_fields.values
    if isinstance(value, list):
        return [_clean(inner, redact) for inner in value]
    if isinstance(value, int | float) and _LEAST <= abs(value) < _MOST:
        written = str(value)
        clean = redact(written)
        return value if clean == written else clean
    return value
