"""Whole messages without what is personal or secret in them: values of JSON, and bytes that may be anything."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from textsieve.worker.redaction.budget import Budget
from textsieve.worker.redaction.redactor import Redactor

_LEAST_DIGITS: Final = 10**6  # a smaller number is no telephone number, card or account
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RedactedValue:
    """A value that may be kept, and how often something of each kind was taken out of it."""

    value: bytes
    counts: Mapping[str, int] = field(default_factory=dict)


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
    except (msgspec.DecodeError, RecursionError):
        clean = RedactedValue(value)
    if clean.counts:
        return clean
    redacted = redactor.redact(text, tenant=tenant)
    return RedactedValue(redacted.text.encode(), redacted.counts) if redacted.counts else RedactedValue(value)


def _counted(redactor: Redactor, tenant: str | None, budget: Budget, counts: Counter[str], text: str) -> str:
    redacted = redactor.redact(text, tenant=tenant, budget=budget)
    counts.update(redacted.counts)
    return redacted.text


def _clean(value: object, redact: partial[str]) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(name): _clean(inner, redact) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, redact) for inner in value]
    if isinstance(value, int | float) and abs(value) >= _LEAST_DIGITS:
        written = str(value)
        clean = redact(written)
        return value if clean == written else clean
    return value
