"""Dead letters on the wire: original key and value, and headers that say why."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from textsieve.worker.headers import PREFIX, foreign_headers, message_bytes, source_header
from textsieve.worker.records import DeadLetter, Header, Outgoing


@dataclass(frozen=True, slots=True)
class DeadLetterEncoder:
    """Turns what stages reject into messages that fit their topic."""

    timestamp: Literal["input", "now"] = "input"
    max_message_bytes: int = 1_000_000

    def encode(self, letter: DeadLetter, now_ms: int) -> Outgoing:
        """Encode one dead letter: original key and value, or a marked prefix where they do not fit the topic."""
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
        outgoing = Outgoing(record.source, record.offset, key, value, headers, timestamp_ms)
        fits = message_bytes(key, value, headers) <= self.max_message_bytes
        return outgoing if fits else _shorten(outgoing, ours, self.max_message_bytes)


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
    fitting = (cut for cut in cuts if message_bytes(cut.key, b"", cut.headers) <= limit)
    cut = next(fitting, cuts[-1])
    if letter.value is None:
        return cut
    return replace(cut, value=value[: max(0, limit - message_bytes(cut.key, b"", cut.headers))])
