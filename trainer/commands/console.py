"""What all commands share: exit codes, progress bars, where messages go."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console

from textsieve.output import OutputLost, standard_output
from textsieve.progress import progress_bar
from textsieve.signals import handling
from textsieve.terminal import printable
from textsieve.worker.errors import ConfigurationError, TextsieveError

FAULT, BAD_CONFIGURATION, INTERRUPTED = 1, 2, 130  # exit codes, as of every textsieve command; 128 + SIGINT

LINES = "\n"  # of a report or a message: they are ours

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def echo(text: str) -> None:
    """Print a report on stdout; what a file's texts and labels hold cannot command a terminal.

    Raises:
        typer.Exit: stdout is closed, or takes nothing; the work is done all the same.
    """
    try:
        with standard_output() as out:
            out.write(printable(text, keep=LINES))
    except OutputLost as error:
        errors.print(f"error: {error}", markup=False)
        raise typer.Exit(FAULT) from None


_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")
_OF_THE_EXTRA = frozenset({"torch", "transformers", "onnx", "matplotlib"})  # what `textsieve[trainer]` brings


def naming_missing_package(command: Callable[_Parameters, _Answer]) -> Callable[_Parameters, _Answer]:
    """The command, which names the extra where a package of it is not installed: a worker needs none of them."""

    @wraps(command)
    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
        try:
            return command(*args, **kwargs)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _OF_THE_EXTRA:
                raise
            errors.print(
                f"error: expected the package {package}, which this needs, got none; run `make torch`, or "
                "`pip install 'textsieve[trainer]'`",
                markup=False,
            )
            raise typer.Exit(BAD_CONFIGURATION) from None

    return run


@contextmanager
def exit_codes(*, if_interrupted: str = "interrupted") -> Iterator[None]:
    """Turn what a command may meet into a message on stderr and an exit code.

    Args:
        if_interrupted: the message after Ctrl-C or SIGTERM.
    """
    try:
        with _terminated_as_interrupted():
            yield
    except (ConfigurationError, ValueError) as error:  # ValueError: an option that pydantic refuses
        errors.print(f"error: {printable(str(error), keep=LINES)}", markup=False)
        raise typer.Exit(BAD_CONFIGURATION) from None
    except (TextsieveError, OSError) as error:
        errors.print(f"error: {printable(str(error), keep=LINES)}", markup=False)
        raise typer.Exit(FAULT) from None
    except KeyboardInterrupt:
        errors.print(if_interrupted, markup=False)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM as Ctrl-C: files that are half written and temporary folders are removed on the way out."""
    if threading.current_thread() is not threading.main_thread():  # where signals cannot be caught
        yield
        return
    with handling({signal.SIGTERM: signal.default_int_handler}):
        yield


@contextmanager
def progress_bars(*stages: str) -> Iterator[Callable[[str, int, int], None]]:
    """Bars on stderr, one for each stage from its first step on; a stage that comes again begins again."""
    with progress_bar(errors) as bars:
        tasks = {stage: bars.add_task(stage, total=None, visible=False) for stage in stages}

        def advance(stage: str, steps: int, total: int) -> None:
            if bars.tasks[tasks[stage]].finished:  # the next model, fold or file
                bars.reset(tasks[stage])
            bars.update(tasks[stage], advance=steps, total=total, visible=True)

        yield advance


def column_value(only: str | None) -> tuple[str, str] | None:
    """What `--only COLUMN=VALUE` says.

    Raises:
        ConfigurationError: there is no `=` in it.
    """
    if only is None:
        return None
    column, found, value = only.partition("=")
    if not found or not column:
        raise ConfigurationError(f"--only: expected COLUMN=VALUE, got {only!r}")
    return column, value
