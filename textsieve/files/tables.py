"""Reads tables: CSV in every dialect that its header makes clear, and TSV."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Format
from textsieve.files.opening import is_unicode, not_of
from textsieve.files.rows import BadRow, Row
from textsieve.files.sources import Source

MAX_FIELD_CHARACTERS = 16 * 1024 * 1024  # csv's own limit of 128 Ki refuses texts that Kafka would take
DELIMITERS = ",;\t|"  # tried in this order where none is named

_OPTIONS = "--text-column and the other column options"
_EXCELS_HINT = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)  # Excel's own first line; it belongs to no column


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How the lines of one table are cut."""

    delimiter: str
    quotes: bool

    def cut(self, lines: Iterable[str]) -> Any:
        """A reader of csv's own, which knows how many lines it took."""
        quoting: Any = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        return csv.reader(lines, delimiter=self.delimiter, quoting=quoting, strict=True)


@dataclass(frozen=True, slots=True)
class _Header:
    """What the columns are called, "" for those that are not; and which were asked for by number."""

    columns: list[str]
    numbered: dict[str, str]
    unnamed: tuple[int, ...]  # must be empty; without the first of all, where a data frame writes its row numbers


def read_table(stream: io.TextIOWrapper, source: Source, needed: Collection[str]) -> Iterator[Row | BadRow]:
    """Every row of a table; blank lines are skipped.

    Args:
        stream: its text, line ends as they are.
        source: what it is.
        needed: names or numbers of columns, which must be there.

    Raises:
        UnreadableFile: The header lacks a needed column, is empty, or names a column twice.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    lines, skipped, delimiter = _first_line(stream)
    if not lines:
        raise UnreadableFile(f"{source.name}:1: expected {_wanted(source)}, got an empty file")
    dialect = _Dialect(source.layout.separator or delimiter or _sniff(lines[0], source, needed), source.layout.quotes)
    reader = dialect.cut(chain(lines, stream))
    header: _Header | None = None
    while True:
        line = skipped + reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            if header is None:
                raise UnreadableFile(f"{source.name}:{line}: expected {_wanted(source)}; {_explain(error)}") from None
            yield BadRow(f"{source.name}:{line}", _explain(error))
            continue
        if values is None:
            return
        if not values:
            continue
        if header is None:
            header = _read_header(values, source, needed, line=line)
            if source.layout.header:
                continue
        yield _row(values, header, source, line)


def _first_line(stream: io.TextIOWrapper) -> tuple[list[str], int, str | None]:
    """The first line that says something, how many come before it, and the delimiter if one of those names it."""
    skipped, delimiter = 0, None
    for line in stream:
        hint = _EXCELS_HINT.fullmatch(line)
        if hint is not None and delimiter is None:
            delimiter = hint[1]
        elif line.strip():
            return [line], skipped, delimiter
        skipped += 1
    return [], skipped, delimiter


def _wanted(source: Source) -> str:
    return "a header with the column names" if source.layout.header else "rows"


def _sniff(line: str, source: Source, needed: Collection[str]) -> str:
    """The delimiter: a tab in TSV; in CSV a comma, unless only one of the others gives the columns that are needed.

    Names of columns are surer than counts of characters: a text may hold any number of semicolons.
    """
    if source.format is Format.TSV:
        return "\t"
    fitting = [sign for sign in DELIMITERS if _gives(sign, line, source, needed)]
    return "," if "," in fitting or len(fitting) != 1 else fitting[0]


def _gives(delimiter: str, line: str, source: Source, needed: Collection[str]) -> bool:
    try:
        columns = [column.strip() for column in next(_Dialect(delimiter, source.layout.quotes).cut([line]), [])]
    except csv.Error:  # such as a quoted name that goes on in the next line
        return False
    named = columns if source.layout.header else []
    return all(column in named or _place(column, len(columns)) is not None for column in needed)


def _place(column: str, count: int) -> int | None:
    """Where the column of a number stands, from 0."""
    return int(column) - 1 if column.isascii() and column.isdigit() and 0 < int(column) <= count else None


def _read_header(values: list[str], source: Source, needed: Collection[str], *, line: int) -> _Header:
    where = f"{source.name}:{line}"
    if not source.layout.header:
        columns = [str(number) for number in range(1, len(values) + 1)]
        if missing := sorted(set(needed) - set(columns)):
            count = f"without a header columns go by number, 1 to {len(columns)}, got {', '.join(missing)}"
            raise UnreadableFile(f"{where}: {count}: {_advice(values) or f'set {_OPTIONS}'}")
        return _Header(columns, {}, ())
    columns = [column.strip() for column in values]
    named = [column for column in columns if column]
    if not named:
        raise UnreadableFile(f"{where}: expected {_wanted(source)}, got a line without any")
    if twice := sorted({column for column in named if named.count(column) > 1}):
        raise UnreadableFile(f"{where}: the header names {', '.join(twice)} more than once: rename one")
    numbered, missing = {}, []
    for column in sorted(set(needed) - set(named)):
        place = _place(column, len(columns))
        if place is None or not columns[place]:
            missing.append(column)
        else:
            numbered[column] = columns[place]
    if missing:
        raise UnreadableFile(_advise(where, missing, named))
    return _Header(columns, numbered, tuple(place for place, column in enumerate(columns) if place and not column))


def _advise(where: str, missing: list[str], named: list[str]) -> str:
    advice = _advice(named) or f"set {_OPTIONS}, or --no-header if this is no header"
    return f"{where}: expected the column {', '.join(missing)}, found {', '.join(named)}: {advice}"


def _advice(columns: list[str]) -> str | None:
    """What to do where one column looks like several."""
    sign = next((sign for sign in DELIMITERS if sign in columns[0]), None)
    if len(columns) > 1 or sign is None:
        return None
    return f"if columns are separated by {sign!r}, set --delimiter {'tab' if sign == chr(9) else repr(sign)}"


def _row(values: list[str], header: _Header, source: Source, line: int) -> Row | BadRow:
    origin = f"{source.name}:{line}"
    if len(values) != len(header.columns):
        return BadRow(origin, f"expected {len(header.columns)} columns as in the first row, got {len(values)}")
    if any(values[place] for place in header.unnamed):
        return BadRow(origin, "there is a value in a column that the header does not name")
    if not all(value.isascii() or is_unicode(value) for value in values):
        return BadRow(origin, not_of(source.layout.encoding or "utf-8"))
    fields = {column: value for column, value in zip(header.columns, values, strict=True) if column}
    return Row(source.name, line, fields, header.numbered)


def _explain(error: csv.Error) -> str:
    if "end of data" in str(error):
        return (
            "a quote opened in this row is never closed: the rest of the file was taken for one field;"
            " set --no-quotes if quotes are characters like any other"
        )
    if "field limit" in str(error):
        return f"a field is longer than {MAX_FIELD_CHARACTERS} characters: is a quote left open?"
    return (
        f"not CSV: {error}; put texts with quotes in double quotes, and double the quotes in them, or set --no-quotes"
    )
