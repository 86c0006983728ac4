"""Finds out what to read from: a file, a pipe, or standard input."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from textsieve.files.errors import UnreadableFile
from textsieve.files.layout import SUFFIXES, TABLES, Format, Layout

_BY_SUFFIX = ", ".join(SUFFIXES)


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read from; `open` may be called again unless it is a stream, as standard input and pipes are."""

    name: str
    format: Format
    layout: Layout
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    is_stream: bool = False


def names_file(argument: str) -> bool:
    """Whether a word on a command line means something to read rather than a text.

    Standard input, a file or pipe that is there, or a single word that ends like the name of one.
    """
    suffixes = Path(argument).suffixes[-2:]
    is_like_one = not any(map(str.isspace, argument)) and any(suffix.lower() in SUFFIXES for suffix in suffixes)
    return argument == "-" or is_like_one or _is_there(argument)


def _is_there(argument: str) -> bool:
    path = Path(argument)
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long for a name, or a NUL in it: a text
        return False


def find_source(argument: str, *, stdin: IO[bytes] | None = None, layout: Layout | None = None) -> Source:
    """The source that an argument of a command line means: a path, or `-` for `stdin`.

    Args:
        argument: of the command line.
        stdin: standard input; None where it is closed, or may not be read.
        layout: what is known of the file; the suffix decides on the format if it does not (`.gz` may follow).

    Raises:
        UnreadableFile: There is no such file, its suffix says nothing, or the layout is not one of its format.
    """
    layout = layout or Layout()
    if argument == "-":
        if stdin is None:
            raise UnreadableFile("-: standard input is closed: name a file, or pipe something in")
        return _source("<stdin>", layout, layout.format, lambda: nullcontext(stdin), is_stream=True)
    path = Path(argument)
    if path.is_dir() or not path.exists():
        raise UnreadableFile(f"{argument}: expected a file, found {'a folder' if path.is_dir() else 'nothing'}")
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    found = layout.format or SUFFIXES.get(suffix.lower())
    return _source(argument, layout, found, lambda: path.open("rb"), is_stream=not path.is_file())


def _source(
    name: str,
    layout: Layout,
    found: Format | None,
    opened: Callable[[], AbstractContextManager[IO[bytes]]],
    *,
    is_stream: bool,
) -> Source:
    if found is None:
        raise UnreadableFile(
            f"{name}: no suffix tells the format ({_BY_SUFFIX}, each also .gz): set --format to one of"
            f" {', '.join(Format)}"
        )
    if found not in TABLES and (layout.delimiter is not None or not (layout.header and layout.quotes)):
        raise UnreadableFile(
            f"{name}: --delimiter, --no-header and --no-quotes are for tables, got {found.value}: set --format csv"
        )
    return Source(name, found, layout, opened, is_stream=is_stream)
