"""Dead letters on the wire: the key, what may be kept of the value, and headers that say why."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from textsieve.worker.headers import PREFIX, foreign_headers, message_bytes, source_header
from textsieve.worker.records import DeadLetter, Header, Outgoing
from textsieve.worker.redaction import Redactor, redact_bytes
from textsieve.worker.stages.tenants import tenant_in


@dataclass(frozen=True, slots=True)
class DeadLetterEncoder:
    """Turns what stages reject into messages that fit their topic."""

    timestamp: Literal["input", "now"] = "input"
    max_message_bytes: int = 1_000_000
    value: Literal["original", "redacted", "hash"] = "original"
    redactor: Redactor | None = None  # where values are redacted
    tenant_field: str | None = None  # where pseudonyms differ by tenant
    max_redacted_bytes: int = 262_144  # a longer value is hashed: redaction takes time by the length of a text

    def encode(self, letter: DeadLetter, now_ms: int) -> Outgoing:
        """Encode one dead letter: key and value as they may be kept, or a marked prefix where they do not fit."""
        record = letter.record
        ours = [
            source_header(record),
            (PREFIX + "stage", letter.stage.encode()),
            (PREFIX + "reason", letter.reason.encode()),
            (PREFIX + "detail", letter.detail.encode()),
            (PREFIX + "timestamp", str(record.timestamp_ms).encode()),
        ]
        headers = [*foreign_headers(record.headers), *ours]
        key, value = record.key, record.value
        if key is None and value is None:  # Kafka refuses a message that has neither
            headers, value = [*headers, (PREFIX + "null", b"key,value")], b""
        timestamp_ms = now_ms if self.timestamp == "now" else record.timestamp_ms
        original, kept = value, self._kept(value)
        if kept.counts:
            shown = ",".join(f"{kind}={count}" for kind, count in sorted(kept.counts.items()))
            ours.append((PREFIX + "redacted", shown.encode()))
            headers.append(ours[-1])
        outgoing = Outgoing(record.source, record.offset, key, kept.value, headers, timestamp_ms)
        fits = message_bytes(key, kept.value, headers) <= self.max_message_bytes
        if fits and not kept.is_hashed:
            return outgoing
        return _shorten(outgoing, ours, original or b"", self.max_message_bytes)

    def _kept(self, value: bytes | None) -> "_Kept":
        """The value that may be kept."""
        if not value or self.value == "original":
            return _Kept(value)
        if self.value == "hash" or self.redactor is None or len(value) > self.max_redacted_bytes:
            return _Kept(b"", is_hashed=True)
        redacted = redact_bytes(self.redactor, value, tenant=tenant_in(value, self.tenant_field))
        return _Kept(b"", is_hashed=True) if redacted is None else _Kept(redacted.value, redacted.counts)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A value, what was taken out of it by kind, and whether a hash of it is all that stays."""

    value: bytes | None
    counts: Mapping[str, int] = field(default_factory=dict)
    is_hashed: bool = False


def _shorten(letter: Outgoing, ours: list[Header], original: bytes, limit: int) -> Outgoing:
    """Cut a dead letter that fits no topic: first the value, then foreign headers, then the key; say what was cut."""
    value, key = letter.value or b"", letter.key and letter.key[:128]
    mark = [
        (PREFIX + "sha256", hashlib.sha256(original).hexdigest().encode()),
        (PREFIX + "original-bytes", str(len(original)).encode()),
    ]
    cuts = (
        replace(letter, headers=[*letter.headers, *mark, (PREFIX + "cut", b"value")]),
        replace(letter, headers=[*ours, *mark, (PREFIX + "cut", b"value,headers")]),
        replace(letter, headers=[*ours, *mark, (PREFIX + "cut", b"value,headers,key")], key=key),
    )
    fitting = (cut for cut in cuts if message_bytes(cut.key, b"", cut.headers) <= limit)
    cut = next(fitting, cuts[-1])
    if letter.value is None:
        return cut
    return replace(cut, value=value[: max(0, limit - message_bytes(cut.key, b"", cut.headers))])
