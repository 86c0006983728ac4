"""What the commands of a worker share: their options, exit codes, and where lines go."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from textsieve.output import OutputLost, standard_output
from textsieve.terminal import printable
from textsieve.worker.errors import ConfigurationError, TextsieveError

PIPE_WIDTH = 200  # columns where there is no terminal: rows stay on one line

Config = Annotated[Path | None, typer.Option(help="TOML file; textsieve.toml in this folder if there is one.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="section.option=value, stronger than file and environment.")
]


def tell(text: str) -> None:
    """A line on standard output."""
    with standard_output() as out:
        out.write(f"{text}\n")


def show(table: RenderableType) -> None:
    """A table on standard output; in a pipe its rows stay on one line."""
    with standard_output():
        console = Console(highlight=False)
        (console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)).print(table)


def waiting(on: str) -> AbstractContextManager[object]:
    """A sign of life on stderr, where that is a terminal."""
    return Console(stderr=True).status(on)


@contextmanager
def exit_codes() -> Iterator[None]:
    """0 clean stop, 1 fault, 2 bad configuration; the reason on stderr."""
    try:
        yield
    except ConfigurationError as error:
        typer.echo(printable(f"configuration: {error}", keep="\n"), err=True)
        sys.exit(2)
    except (TextsieveError, OutputLost) as error:
        typer.echo(printable(f"stopped: {error}", keep="\n"), err=True)
        sys.exit(1)
