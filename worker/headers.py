"""The headers by which a reader, the ledger and a replay know our messages, and the room that a message takes."""

from collections.abc import Sequence
from typing import Final

from textsieve.worker.records import Header, Record

PREFIX: Final = "textsieve."  # of our headers; incoming ones are dropped, or a sender could forge the ledger
SOURCE_HEADER: Final = PREFIX + "source"
RECORD_OVERHEAD_BYTES: Final = 400  # of a record batch, of our stamp headers and of their lengths: generous


def source_id(record: Record) -> str:
    """The id of a message and of its answer: `topic/partition/offset`."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def source_header(record: Record) -> Header:
    """The header by which a reader of the output finds the input again."""
    return (SOURCE_HEADER, source_id(record).encode())


def foreign_headers(headers: Sequence[Header]) -> list[Header]:
    """Those that are not ours, which pass through."""
    return [header for header in headers if not header[0].startswith(PREFIX)] if headers else []


def message_bytes(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    """What a message takes of `max.message.bytes`, at most."""
    size = RECORD_OVERHEAD_BYTES + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += (len(name) if name.isascii() else len(name.encode())) + len(content or b"") + 4
    return size
