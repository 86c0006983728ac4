"""Opens what holds the rows as text: unpacks it, finds its encoding, and says what it is where it holds none."""

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from textsieve.files.errors import UnreadableFile

HEAD_BYTES = 4  # tell the kinds of files below apart; a slow pipe gives no more than it has
_GZIP = b"\x1f\x8b"
_MARKS = {  # the longer ones first: UTF-32 begins as UTF-16 does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"PAR1": "Parquet: write it as CSV or JSON lines",
    b"(\xb5/\xfd": "zstd: unpack it with unzstd",
    b"BZh": "bzip2: unpack it with bunzip2",
    b"\xfd7zX": "xz: unpack it with unxz",
    b"%PDF": "a PDF",
}


@contextmanager
def as_text(binary: IO[bytes], *, name: str, encoding: str | None) -> Iterator[io.TextIOWrapper]:
    """Yield the text of a stream, which is not closed; bytes that do not fit the encoding come as surrogates.

    What is packed by gzip is unpacked, whatever its name says.

    Raises:
        UnreadableFile: It is of a kind that holds no text, or of an encoding that must be named.
        OSError, EOFError, zlib.error: It cannot be read, or breaks off.
    """
    head, binary = _peek(binary)
    if head.startswith(_GZIP):
        head, binary = _peek(cast("IO[bytes]", gzip.GzipFile(fileobj=binary)))  # GzipFile is one in all but name
    foreign = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)
    if foreign is not None:
        raise UnreadableFile(f"{name}: expected text, got {foreign}")
    stream = io.TextIOWrapper(
        binary, encoding=found_encoding(head, name=name, encoding=encoding), errors="surrogateescape", newline=""
    )
    try:
        yield stream
    finally:
        stream.detach()  # or its end would close standard input


def found_encoding(head: bytes, *, name: str, encoding: str | None) -> str:
    """The encoding of a file that begins so; a byte order mark goes before what was named.

    Raises:
        UnreadableFile: It looks like UTF-16 without a mark, and nothing was named that would fit.
    """
    marked = next((found for mark, found in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if len(head) == HEAD_BYTES and not _may_hold_nulls(encoding):
        zeros = [byte == 0 for byte in head]
        if zeros in ([False, True, False, True], [True, False, True, False]):
            raise UnreadableFile(
                f"{name}: every second byte is 0, as in UTF-16 without a byte order mark:"
                f" set --encoding utf-16-{'be' if zeros[0] else 'le'}"
            )
    return encoding or "utf-8"


def not_of(encoding: str) -> str:
    """What to do about bytes that do not fit an encoding."""
    return (
        f"not {encoding.removesuffix('-sig')}: set --encoding to what wrote the file"
        " (files of Western Windows are often cp1252)"
    )


def is_unicode(text: str) -> bool:
    """Whether every byte of it fitted the encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _may_hold_nulls(encoding: str | None) -> bool:
    return encoding is not None and len("a".encode(encoding)) > 1


def _peek(binary: IO[bytes]) -> "tuple[bytes, IO[bytes]]":
    """The first bytes, and a stream that begins with them again: a pipe cannot go back."""
    head = binary.read(HEAD_BYTES)
    return head, cast("IO[bytes]", io.BufferedReader(_Begun(head, binary)))


class _Begun(io.RawIOBase):
    """A stream whose first bytes were taken already."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head = head
        self._read = getattr(rest, "read1", rest.read)  # what is there, without waiting for more

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next."""
        content = self._head[: len(buffer)] or self._read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(content)] = content
        return len(content)
