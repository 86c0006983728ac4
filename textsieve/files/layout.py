"""How a file is to be read: what its reader may say, and what is found out otherwise."""

import codecs
from dataclasses import dataclass
from enum import StrEnum

from textsieve.files.errors import UnreadableFile


class Format(StrEnum):
    """How a file is cut into rows."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    JSON = "json"  # one array of objects
    TEXT = "text"


SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSON,
    ".txt": Format.TEXT,
}
TABLES = frozenset({Format.CSV, Format.TSV})
_SPELLED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@dataclass(frozen=True, slots=True)
class Layout:
    r"""How to read a file.

    Attributes:
        format: by the file's suffix if None.
        encoding: a codec of Python; by the byte order mark, or UTF-8, if None.
        delimiter: between the columns of a table, one character, or a word for one that is hard to type (`tab`, also
            `\t`, `comma`, `semicolon`, `pipe`, `space`); if None, a tab in TSV, and in CSV what gives the header the
            columns that are asked for.
        header: whether the first row of a table names the columns; they are called 1, 2, 3, ... otherwise.
        quotes: whether double quotes in a table enclose fields, or are characters like any other.

    Raises:
        UnreadableFile: There is no such encoding, or the delimiter is not one character.
    """

    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool = True
    quotes: bool = True

    def __post_init__(self) -> None:
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.delimiter is not None and (len(self.separator or "") != 1 or self.separator in {'"', "\r", "\n"}):
            raise UnreadableFile(
                f"--delimiter: expected one character or one of {', '.join(_SPELLED)}, got {self.delimiter!r}"
            )

    @property
    def separator(self) -> str | None:
        """The delimiter as a character."""
        return None if self.delimiter is None else _SPELLED.get(self.delimiter, self.delimiter)

    def arguments(self) -> list[str]:
        """The same as options of a command line."""
        chosen = {"--format": self.format, "--encoding": self.encoding, "--delimiter": self.delimiter}
        switches = {"--no-header": not self.header, "--no-quotes": not self.quotes}
        named = [part for name, value in chosen.items() if value is not None for part in (name, str(value))]
        return [*named, *(name for name, is_on in switches.items() if is_on)]


def _check_encoding(encoding: str) -> None:
    try:
        is_text = codecs.lookup(encoding)._is_text_encoding  # noqa: SLF001  # as open() itself asks
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise UnreadableFile(
            f"--encoding {encoding}: Python knows no such encoding; leave it out for UTF-8 and UTF-16,"
            " try cp1252 for files of Western Windows"
        )
