"""What a command does that serves until it is interrupted, and how it tells a person what went wrong."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import typer

from textsieve.embedded.errors import BinaryMissing, EmbeddedError, PortTaken, UnusableFile, WrongJars
from textsieve.files.errors import UnreadableFile
from textsieve.terminal import printable

FAULT = 1
BAD_CONFIGURATION = 2
INTERRUPTED = 130  # what a shell says of a command ended by ctrl-C
WATCH_SECONDS = 0.2


def serve(look: Callable[[], None]) -> None:
    """Call `look` again and again until ctrl-C; what it raises ends the serving."""
    with suppress(KeyboardInterrupt):
        while True:
            look()
            time.sleep(WATCH_SECONDS)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn the errors that a person can mend into one message and an exit code."""
    try:
        yield
    except (EmbeddedError, UnreadableFile) as error:
        typer.echo("error: " + printable(str(error), keep="\n"), err=True)
        is_configuration = isinstance(error, BinaryMissing | WrongJars | PortTaken | UnusableFile | UnreadableFile)
        raise typer.Exit(BAD_CONFIGURATION if is_configuration else FAULT) from None
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
