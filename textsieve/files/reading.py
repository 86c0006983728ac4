"""Reads the rows of a source, and keeps going past the bad ones."""

import zlib
from collections.abc import Collection, Iterator

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import Format
from textsieve.files.lines import read_lines
from textsieve.files.objects import read_json_array, read_json_lines
from textsieve.files.opening import as_text
from textsieve.files.rows import BadRow, Row
from textsieve.files.sources import Source
from textsieve.files.tables import read_table

_READERS = {
    Format.CSV: read_table,
    Format.TSV: read_table,
    Format.JSONL: read_json_lines,
    Format.JSON: read_json_array,
    Format.TEXT: read_lines,
}


def read(source: Source, *, needed: Collection[str] = ()) -> Iterator[Row | BadRow]:
    """Every row of a source in order; blank lines are skipped.

    A source that breaks off (a truncated gzip file, a read error) ends in a `BadRow` that says so.

    Args:
        source: what to read.
        needed: columns that a table must have, by name or number; they tell its delimiter, too.

    Raises:
        UnreadableFile: The source cannot be opened, is of a kind that holds no text, or its header does not fit.
    """
    try:
        binary = source.open()
    except OSError as error:
        raise UnreadableFile(f"{source.name}: cannot be opened: {error.strerror}") from None
    origin = source.name
    with binary as opened:
        try:
            with as_text(opened, name=source.name, encoding=source.layout.encoding) as stream:
                for row in _READERS[source.format](stream, source, needed):
                    origin = row.origin
                    yield row
        except (EOFError, OSError, zlib.error, UnicodeError) as error:
            yield BadRow(origin, f"the file breaks off after this row: {error}")
