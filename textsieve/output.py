"""Standard output, or one line about why it is none."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from textsieve.terminal import printable


class OutputLost(Exception):
    """Standard output takes nothing: it is closed, or its disk is full."""


@contextmanager
def standard_output() -> Iterator[io.TextIOWrapper]:
    """Yield standard output, and see to it that what was written has arrived.

    Characters that its encoding lacks are spelled out. A reader that has seen enough (`| head`) is a `BrokenPipeError`,
    which Typer ends quietly.

    Raises:
        OutputLost: It is closed, or cannot be written to.
    """
    out = sys.stdout
    if not isinstance(out, io.TextIOWrapper):  # None where it was closed before we began
        raise OutputLost("standard output is closed: leave it open, or send it to a file")
    out.reconfigure(errors="backslashreplace")
    try:
        yield out
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up(out)
        raise OutputLost(f"standard output cannot be written to: {error.strerror}") from None


def on_terminal() -> bool:
    """Whether people read standard output.

    Raises:
        OutputLost: It is closed.
    """
    with standard_output() as out:
        return out.isatty()


def write_line(out: io.TextIOWrapper, value: bytes) -> None:
    """A line for whoever reads: byte for byte in a pipe; on a terminal what could command it is spelled out."""
    if out.isatty():
        value = printable(value.decode("utf-8", "backslashreplace")).encode()
    out.buffer.write(value + b"\n")


def _give_up(out: io.TextIOWrapper) -> None:
    """Let what is still unwritten go nowhere: at its end the interpreter would try again, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)
