"""The message that goes on the wire, as docs/messages.md describes it."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

MAX_VALUE_BYTES = 262_144  # the worker's own bound (input.max_value_bytes): it would not even read longer ones

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Message:
    """What one Kafka record will hold.

    A `value` of None is a tombstone and needs a `key`. `origin` stays here: it names the row
    (`texts.csv:17`) when the broker refuses the message.
    """

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    origin: str = ""


def encode(text: str, *, document_id: str | None, attributes: Mapping[str, object]) -> bytes:
    """The JSON object a worker expects: `id` (left out when None), `text`, then every attribute as it came.

    Raises:
        TypeError: An attribute is of a type that JSON cannot hold.
    """
    identity = {} if document_id is None else {"id": document_id}
    return msgspec.json.encode({**identity, "text": text, **attributes})
