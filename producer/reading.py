"""Turns sources into one stream of messages and hands on what is wrong with rows."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

from textsieve.files.layout import Format
from textsieve.files.reading import read
from textsieve.files.rows import BadRow
from textsieve.files.sources import Source
from textsieve.producer.columns import Columns, to_message
from textsieve.producer.errors import ConfigurationError
from textsieve.producer.messages import MAX_VALUE_BYTES, Message


def check_sources(sources: Sequence[Source], columns: Columns, *, passes: int) -> None:
    """Find out before anything is sent what would be wrong with every row. Standard input and pipes are not touched.

    Raises:
        ConfigurationError: Plain lines are asked for columns, or a stream is to be read more than once.
        UnreadableFile: A file cannot be read, or its header lacks a column.
    """
    streams = [source.name for source in sources if source.is_stream]
    if streams and (passes != 1 or len(set(streams)) < len(streams)):
        raise ConfigurationError(f"{streams[0]} can be read only once: save it to a file to use --repeat")
    for source in sources:
        if source.format is Format.TEXT and columns != Columns():
            raise ConfigurationError(f"{source.name}: plain lines have no columns: drop the column options")
        if not source.is_stream:
            next(read(source, needed=columns.needed), None)


def read_messages(
    sources: Sequence[Source],
    columns: Columns,
    *,
    passes: int,
    on_bad_row: Callable[[str], object],
    max_value_bytes: int = MAX_VALUE_BYTES,
) -> Iterator[Message]:
    """Every message of every source, `passes` times over; 0 passes never end.

    Raises:
        UnreadableFile: A file cannot be read, or its header does not fit the columns.
    """
    for _ in range(passes) if passes else count():
        for source in sources:
            for row in read(source, needed=columns.needed):
                message = row if isinstance(row, BadRow) else to_message(row, columns, max_value_bytes=max_value_bytes)
                if isinstance(message, BadRow):
                    on_bad_row(f"{message.origin}: {message.reason}")
                else:
                    yield message
