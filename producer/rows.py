"""Reads rows out of CSV, JSON lines and plain lines, and keeps going past the bad ones."""

import csv
import io
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import msgspec

from producer.errors import ConfigurationError
from producer.sources import Format, Source

MAX_FIELD_CHARACTERS = 16 * 1024 * 1024  # csv's own limit of 128 Ki refuses texts that Kafka would take

_UNDECODABLE = re.compile("[\udc80-\udcff]")  # what `surrogateescape` leaves where bytes do not fit the encoding


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one row; `origin` is `file:line`."""

    origin: str
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot become a message; `reason` never contains its text."""

    origin: str
    reason: str


def read(source: Source, *, needed: Collection[str] = ()) -> Iterator[Row | BadRow]:
    """Every row of a source in order; blank lines are skipped.

    A source that breaks off (a truncated gzip file, a read error) ends in a `BadRow` that says so.

    Raises:
        ConfigurationError: The source cannot be opened, or a CSV header lacks a `needed` column,
            is empty, or names a column twice.
    """
    origin = source.name
    try:
        with source.open() as binary:
            stream = io.TextIOWrapper(binary, encoding=source.encoding, errors="surrogateescape", newline="")
            try:
                for row in _READERS[source.format](stream, source.name, needed):
                    origin = row.origin
                    yield _refuse_undecodable(row, source.encoding)
            finally:
                stream.detach()  # or its end would close standard input
    except (EOFError, OSError, zlib.error, UnicodeError) as error:
        yield BadRow(origin, f"the file breaks off after this row: {error}")


def _read_csv(stream: io.TextIOWrapper, name: str, needed: Collection[str]) -> Iterator[Row | BadRow]:
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(stream, strict=True)
    header = _read_header(reader, name, needed)
    while True:
        origin = f"{name}:{reader.line_num + 1}"
        try:
            values = next(reader, None)
        except csv.Error as error:
            yield BadRow(origin, _explain(error))
            continue
        if values is None:
            return
        if not values:
            continue
        if len(values) != len(header):
            yield BadRow(origin, f"expected {len(header)} columns as in the header, came {len(values)}")
        elif any(value and not column for column, value in zip(header, values, strict=True)):
            yield BadRow(origin, "there is a value in a column that the header does not name")
        else:
            yield Row(origin, {column: value for column, value in zip(header, values, strict=True) if column})


def _read_header(reader: Iterator[list[str]], name: str, needed: Collection[str]) -> list[str]:
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        raise ConfigurationError(f"{name}:1: expected a header with the column names; {error}") from None
    named = [column for column in header if column]
    if not named:
        raise ConfigurationError(f"{name}:1: expected a header with the column names, came an empty line or file")
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice:
        raise ConfigurationError(f"{name}:1: the header names {', '.join(twice)} more than once")
    missing = sorted(set(needed) - set(named))
    if missing:
        advice = "set --text-column, --id-column or --key-column"
        if len(named) == 1 and (separator := next((sign for sign in ";\t|" if sign in named[0]), None)):
            advice = f"columns are separated by commas, not by {separator!r}"
        raise ConfigurationError(
            f"{name}:1: expected the column {', '.join(missing)}, found {', '.join(named)}: {advice}"
        )
    return header


def _explain(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "a quote opened in this row is never closed: the rest of the file was taken for one field"
    if "field limit" in str(error):
        return f"a field is longer than {MAX_FIELD_CHARACTERS} characters: is a quote left open?"
    return f"not CSV: {error}"


def _read_jsonl(stream: io.TextIOWrapper, name: str, _needed: Collection[str]) -> Iterator[Row | BadRow]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        origin = f"{name}:{number}"
        try:
            fields = decode(line)
        except UnicodeEncodeError:  # an escaped byte: the caller says which encoding was expected
            yield Row(origin, {"": line})
        except (msgspec.DecodeError, RecursionError) as error:
            yield BadRow(origin, f"not JSON: {error}")
        else:
            is_object = isinstance(fields, dict)
            yield Row(origin, fields) if is_object else BadRow(origin, f"expected a JSON object, came {_kind(fields)}")


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _read_text(stream: io.TextIOWrapper, name: str, _needed: Collection[str]) -> Iterator[Row | BadRow]:
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield Row(f"{name}:{number}", {"text": line.rstrip("\r\n")})


_READERS = {Format.CSV: _read_csv, Format.JSONL: _read_jsonl, Format.TEXT: _read_text}


def _refuse_undecodable(row: Row | BadRow, encoding: str) -> Row | BadRow:
    if isinstance(row, BadRow):
        return row
    for value in row.fields.values():
        if isinstance(value, str) and not value.isascii() and _UNDECODABLE.search(value):
            return BadRow(
                row.origin, f"not {encoding.removesuffix('-sig')}: set --encoding (old exports are often latin-1)"
            )
    return row
