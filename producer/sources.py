"""Finds out what to read from: a file, gzipped or not, or standard input."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from producer.errors import ConfigurationError


class Format(StrEnum):
    """How a file is cut into rows."""

    CSV = "csv"
    JSONL = "jsonl"
    TEXT = "text"


_SUFFIXES = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".txt": Format.TEXT,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read from; `open` may be called again unless it is standard input."""

    name: str
    format: Format
    encoding: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    is_stream: bool = False


def names_file(argument: str) -> bool:
    """Whether a word on a command line means something to read rather than a text.

    Standard input, a file that is there, or a single word that ends like the name of one.
    """
    suffixes = Path(argument).suffixes[-2:]
    is_like_one = not any(map(str.isspace, argument)) and any(suffix.lower() in _SUFFIXES for suffix in suffixes)
    return argument == "-" or is_like_one or _is_file(argument)


def _is_file(argument: str) -> bool:
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):  # too long for a name, or a NUL in it: a text
        return False


def find_source(
    argument: str, *, stdin: IO[bytes], file_format: Format | None = None, encoding: str = "utf-8"
) -> Source:
    """The source a command-line argument means: a path, also gzipped (`.gz`), or `-` for `stdin`.

    Without `file_format` the suffix decides; a byte order mark is skipped.

    Raises:
        ConfigurationError: There is no such file, its suffix says nothing, or the encoding is unknown.
    """
    encoding = _check_encoding(encoding)
    if argument == "-":
        if file_format is None:
            raise ConfigurationError("standard input has no suffix: set --format to csv, jsonl or text")
        return Source("<stdin>", file_format, encoding, lambda: nullcontext(stdin), is_stream=True)
    path = Path(argument)
    if not path.is_file():
        raise ConfigurationError(f"{argument}: expected a file, found {'a folder' if path.is_dir() else 'nothing'}")
    is_gzip = path.suffix.lower() == ".gz"
    inner_suffix = Path(path.stem).suffix if is_gzip else path.suffix
    found_format = file_format or _SUFFIXES.get(inner_suffix.lower())
    if found_format is None:
        raise ConfigurationError(
            f"{argument}: the suffix does not tell the format ({', '.join(_SUFFIXES)}, each also .gz): set --format"
        )
    return Source(argument, found_format, encoding, lambda: _open_gzip(path) if is_gzip else path.open("rb"))


def _open_gzip(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path))  # GzipFile is one in all but name


def _check_encoding(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        raise ConfigurationError(
            f"--encoding {encoding}: Python knows no such encoding; try utf-8 or latin-1"
        ) from None
    return "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
