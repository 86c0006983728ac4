"""Decode: from the bytes of a message to its text, its id and its other fields (docs/messages.md is their home)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import ATTRIBUTES, DOCUMENT_ID, TEXT
from textsieve.worker.envelopes import (
    encoding,
    envelope,
    has_lone_surrogate,
    is_framed,
    json_name,
    schema_id,
    unwrapped,
)
from textsieve.worker.fields import NOTHING, RawObject, take
from textsieve.worker.records import DeadLetter, Document, Record, Skipped

_BOM = b"\xef\xbb\xbf"

_decode_object = msgspec.json.Decoder(RawObject).decode
_decode_any = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Decode:
    """Turns records into documents, or says in one word why it cannot.

    Attributes:
        tombstones: what becomes of a message without a value.

    Example:
        >>> record = Record("messages", 0, 7, None, b'{"id": "c-1", "text": "hello", "channel": "web"}', 0)
        >>> Decode().decode(record).text
        'hello'
    """

    format: Literal["json", "text"] = "json"
    text_field: str = "text"
    id_field: str = "id"
    max_value_bytes: int = 262_144
    tombstones: Literal["dead_letter", "skip"] = "dead_letter"
    needs: ClassVar[tuple[Column[Any], ...]] = ()
    gives: ClassVar[tuple[Column[Any], ...]] = (TEXT, DOCUMENT_ID, ATTRIBUTES)
    fields: ClassVar[Mapping[str, Column[Any]]] = {"document_id": DOCUMENT_ID, "text": TEXT, "attributes": ATTRIBUTES}

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        decoded = list(map(self.decode, batch.records))
        documents = [item for item in decoded if isinstance(item, Document)]
        if len(documents) < len(decoded):
            rows = [row for row, item in enumerate(decoded) if isinstance(item, Document)]
            batch = batch.take(rows, rejected=(item for item in decoded if isinstance(item, DeadLetter)))
        return batch.with_columns(
            TEXT.of([document.text for document in documents]),
            DOCUMENT_ID.of([document.id for document in documents]),
            ATTRIBUTES.of([document.attributes for document in documents]),
        )

    def decode(self, record: Record) -> Document | DeadLetter | Skipped:
        """Decode one record; never raises for what a message contains."""
        value = record.value
        if value is None:
            if self.tombstones == "skip":
                return Skipped(record)
            return _refuse(record, "null_value", "expected a value, got a tombstone (null; input.tombstones)")
        if len(value) > self.max_value_bytes:
            detail = f"expected at most {self.max_value_bytes} bytes (input.max_value_bytes), got {len(value)}"
            return _refuse(record, "too_large", detail)
        if self.format == "json" and value[:1] == b"\0":  # no JSON begins so
            value = unwrapped(value)
        try:
            plain = value.removeprefix(_BOM).decode("utf-8")
        except UnicodeDecodeError as error:
            other = _other_than_json(value) if self.format == "json" else None
            return _refuse(record, *(other or ("not_utf8", f"expected UTF-8, got a bad byte at {error.start}")))
        if self.format == "text":
            return self._document(record, text=plain, identity=None, attributes={})
        return self._from_json(record, plain)

    def _from_json(self, record: Record, plain: str) -> Document | DeadLetter:
        try:
            attributes = _decode_object(plain)
            text, raw_id = take(attributes, self.text_field), take(attributes, self.id_field)
            found = None if text is NOTHING else _decode_any(text)
            identity = None if raw_id is NOTHING else _decode_any(raw_id)
        except (msgspec.MsgspecError, RecursionError) as error:
            return _refuse(record, *_why_not(plain, error))
        if found is None:
            said = "nothing" if text is NOTHING else "null"
            got = (text is NOTHING and envelope(attributes)) or said
            return _refuse(record, "no_text", f"expected a string at {self.text_field!r} (input.text_field), got {got}")
        if not isinstance(found, str):
            detail = f"expected a string at {self.text_field!r} (input.text_field), got {_kind(found)}"
            return _refuse(record, "text_not_a_string", detail)
        if isinstance(identity, (int, float)) and not isinstance(identity, bool):
            identity = bytes(raw_id).decode()  # as it was written: 7, 1.50, 12345678901234567890123
        if identity is not None and not isinstance(identity, str):
            detail = (
                f"expected a string, a number or nothing at {self.id_field!r} (input.id_field), got {_kind(identity)}"
            )
            return _refuse(record, "id_not_a_string", detail)
        return self._document(record, text=found, identity=identity, attributes=attributes)

    def _document(
        self, record: Record, *, text: str, identity: str | None, attributes: RawObject
    ) -> Document | DeadLetter:
        if not text or text.isspace():
            return _refuse(record, "empty_text", "expected text, got nothing but white space")
        return Document(identity, text, attributes)


def _refuse(record: Record, reason: str, detail: str) -> DeadLetter:
    return DeadLetter(record, "decode", reason, detail)


def _kind(value: object) -> str:
    name = json_name(value)
    return f"{'an' if name[0] in 'ao' else 'a'} {name}"


def _other_than_json(value: bytes) -> tuple[str, str] | None:
    """The reason and the detail for what is known by its first bytes to be something else."""
    if (name := encoding(value)) is not None:
        return "not_utf8", f"expected JSON in UTF-8, got {name}"
    if is_framed(value):
        detail = f"expected JSON, got no JSON behind the frame of a schema registry (schema id {schema_id(value)})"
        return "schema_registry", f"{detail}, such as Avro or Protobuf: send JSON, or convert it"
    return None


def _why_not(plain: str, error: Exception) -> tuple[str, str]:
    """The reason and the detail for a value that is no JSON object with texts in it."""
    if isinstance(error, msgspec.ValidationError) and (value := _json_value(plain)) is not NOTHING:
        return "not_an_object", f"expected a JSON object, got {_kind(value)}"
    if (other := _other_than_json(plain[:16].encode())) is not None:
        return other
    if has_lone_surrogate(plain):
        return (
            "lone_surrogate",
            "expected Unicode, got half of a surrogate pair (an escape from \\ud800 to \\udfff alone)",
        )
    if isinstance(error, RecursionError):
        return "not_json", "expected JSON, got arrays or objects nested deeper than can be read"
    return "not_json", str(error).splitlines()[0][:120]


def _json_value(plain: str) -> object:
    """The value that a text is in JSON, or NOTHING."""
    try:
        return _decode_any(plain)
    except (msgspec.DecodeError, RecursionError):
        return NOTHING
