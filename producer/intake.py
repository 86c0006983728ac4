"""Turns sources into one stream of messages and hands what is bad to the complaints."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

from producer.columns import Columns, to_message
from producer.errors import ConfigurationError
from producer.messages import Message
from producer.rows import BadRow, read
from producer.sources import Format, Source


def check_sources(sources: Sequence[Source], columns: Columns, *, passes: int) -> None:
    """Find out before anything is sent what would be wrong with every row. Standard input is not touched.

    Raises:
        ConfigurationError: A header lacks a column, plain lines are asked for columns, or standard input
            is to be read more than once.
    """
    streams = sum(source.is_stream for source in sources)
    if streams and (passes != 1 or streams > 1):
        raise ConfigurationError("standard input can be read only once: save it to a file to use --repeat")
    for source in sources:
        if source.format is Format.TEXT and columns != Columns():
            raise ConfigurationError(f"{source.name}: plain lines have no columns: drop the column options")
        if not source.is_stream:
            next(read(source, needed=columns.needed), None)


def read_messages(
    sources: Sequence[Source], columns: Columns, *, passes: int, on_bad_row: Callable[[str], object]
) -> Iterator[Message]:
    """Every message of every source, `passes` times over; 0 passes never end.

    Raises:
        ConfigurationError: A header does not fit the columns.
    """
    for _ in range(passes) if passes else count():
        for source in sources:
            for row in read(source, needed=columns.needed):
                message = row if isinstance(row, BadRow) else to_message(row, columns)
                if isinstance(message, BadRow):
                    on_bad_row(f"{message.origin}: {message.reason}")
                else:
                    yield message
