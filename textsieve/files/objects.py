"""Reads JSON: an object a line, or one array of objects."""

import io
import json
from collections.abc import Collection, Iterator

import msgspec

from textsieve.files.errors import UnreadableFile
from textsieve.files.lines import numbered
from textsieve.files.opening import not_of
from textsieve.files.rows import BadRow, Row, kind
from textsieve.files.sources import Source

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder(msgspec.Raw).decode


def read_json_lines(stream: io.TextIOBase, source: Source, _needed: Collection[str]) -> Iterator[Row | BadRow]:
    """Every object of JSON lines."""
    for number, line in numbered(stream, source):
        yield line if isinstance(line, BadRow) else _row(line, source.name, number)


def read_json_array(stream: io.TextIOWrapper, source: Source, needed: Collection[str]) -> Iterator[Row | BadRow]:
    """Every object of one array; what turns out to be JSON lines is read as such. The file is held in memory.

    Raises:
        UnreadableFile: It is no JSON, or another value.
    """
    text = stream.read()
    beginning = text.lstrip()[:1]
    if beginning not in {"[", ""}:
        try:
            whole = _decode_object(text)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            yield from read_json_lines(io.StringIO(text, newline=""), source, needed)
            return
        yield Row(source.name, 1 + text[: text.index("{")].count("\n"), whole)
        return
    content, place, line = _encoded(text, source), 0, 1
    for element in _array(content, source) if beginning else []:
        raw = bytes(element)
        start = content.index(raw, place)  # between two elements there are commas and white space only
        line += content.count(b"\n", place, start)
        yield _row(_on_one_line(raw), source.name, line)
        line += raw.count(b"\n")
        place = start + len(raw)


def _encoded(text: str, source: Source) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        where = f"{source.name}:{1 + text.count(chr(10), 0, error.start)}"
        raise UnreadableFile(f"{where}: {not_of(source.layout.encoding or 'utf-8')}") from None


def _array(content: bytes, source: Source) -> list[msgspec.Raw]:
    try:
        return _decode_array(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnreadableFile(
            f"{source.name}: expected one array of objects: {error}; if it has an object a line, set --format jsonl"
        ) from None


def _on_one_line(raw: bytes) -> str:
    return (msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw).decode()


def _row(text: str, name: str, line: int) -> Row | BadRow:
    try:
        return Row(name, line, _decode_object(text))
    except (msgspec.MsgspecError, RecursionError) as error:
        origin = f"{name}:{line}"
        try:
            found = kind(_decode_value(text))
        except (msgspec.MsgspecError, RecursionError):
            return BadRow(origin, _explain(text, error))
        if found == "an object":
            return BadRow(origin, _explain(text, error))
        advice = "; if the whole file is one array, set --format json" if found == "an array" else ""
        return BadRow(origin, f"expected a JSON object, got {found}{advice}")


def _explain(text: str, error: Exception) -> str:
    if "\\ud" in text.casefold():
        try:
            json.loads(text)  # which takes what is no Unicode
        except (ValueError, RecursionError):
            pass
        else:
            return "half of a surrogate pair (\\ud...), which is no Unicode"
    return f"not JSON: {error}"
