"""Reads lines, each a text, and no longer ones than any use has room for."""

import io
from collections.abc import Collection, Iterator

from textsieve.files.opening import is_unicode, not_of
from textsieve.files.rows import BadRow, Row
from textsieve.files.sources import Source

MAX_LINE_CHARACTERS = 16 * 1024 * 1024  # a file without line breaks must not fill the memory


def read_lines(stream: io.TextIOWrapper, source: Source, _needed: Collection[str]) -> Iterator[Row | BadRow]:
    """Every line that says something, in the field `text`."""
    for number, line in numbered(stream, source):
        yield line if isinstance(line, BadRow) else Row(source.name, number, {"text": line.rstrip("\r\n")})


def numbered(stream: io.TextIOBase, source: Source) -> Iterator[tuple[int, str | BadRow]]:
    """Every line that says something, with its number from 1 and its end."""
    number = 0
    while line := stream.readline(MAX_LINE_CHARACTERS):
        number += 1
        if len(line) == MAX_LINE_CHARACTERS and not line.endswith(("\r", "\n")):
            yield number, BadRow(f"{source.name}:{number}", f"the line is longer than {MAX_LINE_CHARACTERS} characters")
            while (rest := stream.readline(MAX_LINE_CHARACTERS)) and not rest.endswith(("\r", "\n")):
                pass
        elif not line.isascii() and not is_unicode(line):
            yield number, BadRow(f"{source.name}:{number}", not_of(source.layout.encoding or "utf-8"))
        elif not line.isspace():
            yield number, line
