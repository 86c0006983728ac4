"""Whose text a message is: the tenant that its pseudonyms belong to."""

from collections.abc import Mapping

import msgspec

from textsieve.worker.fields import NOTHING, take

_decode = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def tenant_of(fields: Mapping[str, object], path: str | None) -> str | None:
    """The tenant that stands at a path, "" where tenants are not told apart, None where it should be there and is not.

    Args:
        fields: of one message, their values as they came.
        path: name or dotted path; None: there are no tenants.
    """
    if path is None:
        return ""
    try:
        raw = take(dict(fields), path)  # type: ignore[arg-type]  # msgspec.Raw
        tenant = None if raw is NOTHING else _decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    known = isinstance(tenant, (str, int, float)) and not isinstance(tenant, bool) and tenant != ""
    return str(tenant) if known else None


def tenant_in(value: bytes, path: str | None) -> str | None:
    """The same of the value of a message, which may be anything."""
    try:
        return tenant_of({} if path is None else _decode_object(value), path)
    except (msgspec.DecodeError, RecursionError):
        return None
