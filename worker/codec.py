"""The wire contract in code: bytes to documents, answers to bytes (docs/messages.md is its home)."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

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
from textsieve.worker.normalization import identity
from textsieve.worker.records import NO_CLUSTER, DeadLetter, Document, Header, NormalizedText, Outgoing, Record, Skipped

PREFIX = "textsieve."  # of our headers; incoming ones are dropped, or a sender could forge the ledger
SOURCE_HEADER = PREFIX + "source"
RECORD_OVERHEAD_BYTES = 400  # of a record batch, of our stamp headers and of their lengths: generous
_BOM = b"\xef\xbb\xbf"

_decode_object = msgspec.json.Decoder(RawObject).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Cluster(msgspec.Struct, gc=False):
    """Where a text belongs, as it stands on the wire."""

    id: int
    distance: float
    version: int


class Model(msgspec.Struct, gc=False):
    """Which model spoke, as it stands on the wire."""

    name: str
    version: str


class Source(msgspec.Struct, gc=False):
    """Where the message came from, as it stands on the wire."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class Result(msgspec.Struct, gc=False, omit_defaults=True):
    """A labelled text, as it stands on the wire; a field with a default is absent where it has no more to say."""

    id: str
    document_id: str | None
    text: str | None
    label: str
    score: float
    scores: dict[str, float]
    labels: list[str]
    cluster: Cluster | None
    model: Model
    embedding: str | list[float] | None
    attributes: dict[str, msgspec.Raw]
    source: Source
    processed_ms: int
    normalized: tuple[str, ...] = ()  # the rules by which the spelling was disguised
    obfuscated: bool = False  # whether there are any: for readers of before, until the next version


@dataclass(frozen=True, slots=True)
class Decoder:
    """Turns a record into a document, or says in one word why it cannot.

    Attributes:
        read: what the model is given of a text.
        tombstones: what becomes of a message without a value.

    Example:
        >>> record = Record("messages", 0, 7, None, b'{"id": "c-1", "text": "hello", "channel": "web"}', 0)
        >>> Decoder().decode(record).text
        'hello'
    """

    format: Literal["json", "text"] = "json"
    text_field: str = "text"
    id_field: str = "id"
    max_value_bytes: int = 262_144
    read: Callable[[str], NormalizedText] = identity
    tombstones: Literal["dead_letter", "skip"] = "dead_letter"

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
        return Document(identity, text, self.read(text), attributes, record)


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


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What the model and the clusters said about one document."""

    label: str
    score: float  # of `label`
    scores: dict[str, float]
    labels: list[str]  # that the text is given; `label` alone where labels are exclusive
    cluster_id: int  # NO_CLUSTER before seeding
    distance: float
    version: int


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns answers and dead letters into messages that fit their topics."""

    model_name: str
    model_version: str
    include_text: bool = True
    embedding: Literal["none", "base64", "list"] = "none"
    timestamp: Literal["input", "now"] = "input"
    max_message_bytes: int = 1_000_000

    def result(
        self, document: Document, answer: Answer, embedding: NDArray[np.float32], now_ms: int
    ) -> Outgoing | DeadLetter:
        """Encode one result; one that would not fit the topic becomes a dead letter.

        Args:
            document: what was labelled.
            answer: what was found.
            embedding: [dim], published only where the settings ask for it.
            now_ms: Unix time in milliseconds.
        """
        record = document.record
        place = f"{record.topic}/{record.partition}/{record.offset}"
        value = _encode(
            Result(
                id=place,
                document_id=document.id,
                text=document.text if self.include_text else None,
                label=answer.label,
                score=answer.score,
                scores=answer.scores,
                labels=answer.labels,
                cluster=None
                if answer.cluster_id == NO_CLUSTER
                else Cluster(answer.cluster_id, answer.distance, answer.version),
                model=Model(self.model_name, self.model_version),
                embedding=self._embedding(embedding),
                attributes=document.attributes,  # type: ignore[arg-type]  # Raw values: passed on byte for byte
                source=Source(record.topic, record.partition, record.offset, record.timestamp_ms),
                processed_ms=now_ms,
                normalized=document.normalized.rules,
                obfuscated=document.normalized.obfuscated,
            )
        )
        headers = [*_foreign(record.headers), (SOURCE_HEADER, place.encode())]
        size = _size(record.key, value, headers)
        if size > self.max_message_bytes:
            detail = (
                f"expected a result of at most {self.max_message_bytes} bytes (output.max_message_bytes), got {size}"
            )
            return DeadLetter(record, "encode", "result_too_large", detail)
        timestamp_ms = now_ms if self.timestamp == "now" else record.timestamp_ms
        return Outgoing(record.source, record.offset, record.key, value, headers, timestamp_ms)

    def _embedding(self, embedding: NDArray[np.float32]) -> str | list[float] | None:
        if self.embedding == "none":
            return None
        if self.embedding == "base64":
            return base64.b64encode(embedding.astype("<f2").tobytes()).decode("ascii")
        rounded: list[float] = np.round(embedding.astype(np.float64), 6).tolist()
        return rounded

    def dead_letter(self, letter: DeadLetter, now_ms: int) -> Outgoing:
        """Encode one dead letter: original key and value, or a marked prefix where they do not fit the topic."""
        record = letter.record
        ours = [
            source_header(record),
            (PREFIX + "stage", letter.stage.encode()),
            (PREFIX + "reason", letter.reason.encode()),
            (PREFIX + "detail", letter.detail.encode()),
            (PREFIX + "timestamp", str(record.timestamp_ms).encode()),
        ]
        headers = [*_foreign(record.headers), *ours]
        key, value = record.key, record.value
        if key is None and value is None:  # Kafka refuses a message that has neither
            headers, value = [*headers, (PREFIX + "null", b"key,value")], b""
        timestamp_ms = now_ms if self.timestamp == "now" else record.timestamp_ms
        outgoing = Outgoing(record.source, record.offset, key, value, headers, timestamp_ms)
        fits = _size(key, value, headers) <= self.max_message_bytes
        return outgoing if fits else _shorten(outgoing, ours, self.max_message_bytes)


def source_header(record: Record) -> Header:
    """The header by which a reader of the output finds the input again: `topic/partition/offset`."""
    return (SOURCE_HEADER, f"{record.topic}/{record.partition}/{record.offset}".encode())


def _foreign(headers: Sequence[Header]) -> list[Header]:
    return [header for header in headers if not header[0].startswith(PREFIX)] if headers else []


def _size(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    size = RECORD_OVERHEAD_BYTES + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += (len(name) if name.isascii() else len(name.encode())) + len(content or b"") + 4
    return size


def _shorten(letter: Outgoing, ours: list[Header], limit: int) -> Outgoing:
    """Cut a dead letter that fits no topic: first the value, then foreign headers, then the key; say what was cut."""
    value, key = letter.value or b"", letter.key and letter.key[:128]
    mark = [
        (PREFIX + "sha256", hashlib.sha256(value).hexdigest().encode()),
        (PREFIX + "original-bytes", str(len(value)).encode()),
    ]
    cuts = (
        replace(letter, headers=[*letter.headers, *mark, (PREFIX + "cut", b"value")]),
        replace(letter, headers=[*ours, *mark, (PREFIX + "cut", b"value,headers")]),
        replace(letter, headers=[*ours, *mark, (PREFIX + "cut", b"value,headers,key")], key=key),
    )
    fitting = (cut for cut in cuts if _size(cut.key, b"", cut.headers) <= limit)
    cut = next(fitting, cuts[-1])
    if letter.value is None:
        return cut
    return replace(cut, value=value[: max(0, limit - _size(cut.key, b"", cut.headers))])
